"""An account with a network, a balancer and roles, and one good input of each type."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from tests.engine.account import Account, Inputs, trust
from tests.engine.standin.aws import (
    balancing,
    clusters,
    containers,
    firewall,
    functions,
    identity,
    machines,
    naming,
    network,
    observability,
    storage,
)

IMAGE = f"123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/api@sha256:{'ab' * 32}"


@dataclass(frozen=True)
class World:
    """What other resources refer to."""

    account: Account
    vpc: str
    subnets: tuple[str, str]
    group: str
    balancer: str
    listener: str
    target_group: str
    lambda_group: str
    topic: str
    log_group: str
    roles: dict[str, str]

    def create(self, token: str, /, **inputs: Any) -> Any:
        return self.account.create(token, "it", **inputs)


def make_world() -> World:
    account = Account()
    vpc = account.create(network.VPC, "world", cidrBlock="10.0.0.0/16")["id"]
    account.create(network.GATEWAY, "world", vpcId=vpc)
    first, second = (
        account.create(
            network.SUBNET,
            "world",
            vpcId=vpc,
            cidrBlock=f"10.0.{number}.0/24",
            availabilityZone=f"ap-northeast-2{zone}",
        )["id"]
        for number, zone in enumerate("ab")
    )
    group = account.create(network.GROUP, "world", vpcId=vpc)["id"]
    balancer = account.create(
        balancing.BALANCER, "world", subnets=[first, second], securityGroups=[group]
    )["arn"]
    target_group = account.create(
        balancing.GROUP, "world", port=8000, protocol="HTTP", vpcId=vpc, targetType="ip"
    )["arn"]
    listener = account.create(
        balancing.LISTENER,
        "world",
        loadBalancerArn=balancer,
        port=80,
        protocol="HTTP",
        defaultActions=[{"type": "forward", "targetGroupArn": target_group}],
    )["arn"]
    return World(
        account,
        vpc,
        (first, second),
        group,
        balancer,
        listener,
        target_group,
        account.create(balancing.GROUP, "calls", targetType="lambda")["arn"],
        account.create(observability.TOPIC, "world")["arn"],
        account.create(observability.LOG_GROUP, "world", name="/ecs/world")["name"],
        {
            name: account.create(
                identity.ROLE, name, name=name, assumeRolePolicy=trust(f"{service}.amazonaws.com")
            )["arn"]
            for name, service in {
                "task": "ecs-tasks", "function": "lambda", "cluster": "eks", "node": "ec2",
                "pod": "pods.eks",
            }.items()
        },
    )  # fmt: skip


def good_inputs(token: str, world: World) -> Inputs:
    """One input of the type that the account accepts."""
    inputs: Inputs = _GOOD[token](world)
    return inputs


def _task(world: World) -> Inputs:
    container = {
        "name": "api",
        "image": IMAGE,
        "portMappings": [{"containerPort": 8000}],
        "environment": [{"name": "TURNOUT_PORT", "value": "8000"}],
        "healthCheck": {"command": ["CMD", "turnout-healthcheck"], "interval": 10},
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": world.log_group,
                "awslogs-region": "ap-northeast-2",
                "awslogs-stream-prefix": "ecs",
            },
        },
    }
    return {
        "family": "api",
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": "1024",
        "memory": "2048",
        "executionRoleArn": world.roles["task"],
        "taskRoleArn": world.roles["task"],
        "containerDefinitions": json.dumps([container]),
    }


def _service(world: World) -> Inputs:
    task = world.create(containers.TASK, **_task(world))
    return {
        "cluster": world.create(containers.CLUSTER)["arn"],
        "taskDefinition": task["arn"],
        "launchType": "FARGATE",
        "networkConfiguration": {
            "subnets": list(world.subnets),
            "securityGroups": [world.group],
        },
        "loadBalancers": [
            {"targetGroupArn": world.target_group, "containerName": "api", "containerPort": 8000}
        ],
    }


def _function(world: World) -> Inputs:
    return {
        "name": "calls",
        "packageType": "Image",
        "imageUri": IMAGE,
        "role": world.roles["function"],
        "memorySize": 2048,
        "timeout": 29,
        "publish": True,
    }


def _permitted(world: World) -> str:
    function = world.create(functions.FUNCTION, **_function(world))
    world.create(
        functions.PERMISSION,
        action="lambda:InvokeFunction",
        function=function["name"],
        principal="elasticloadbalancing.amazonaws.com",
        sourceArn=world.lambda_group,
    )
    return str(function["arn"])


def _cluster(world: World) -> Inputs:
    return {
        "name": "api",
        "roleArn": world.roles["cluster"],
        "version": "1.34",
        "bootstrapSelfManagedAddons": False,
        "accessConfig": {"authenticationMode": "API"},
        "vpcConfig": {"subnetIds": list(world.subnets)},
        "computeConfig": {"enabled": True, "nodeRoleArn": world.roles["node"]},
        "kubernetesNetworkConfig": {"elasticLoadBalancing": {"enabled": True}},
        "storageConfig": {"blockStorage": {"enabled": True}},
    }


def _in_cluster(world: World) -> str:
    return str(world.create(clusters.CLUSTER, **_cluster(world))["name"])


def _scaled(world: World) -> Inputs:
    service = world.create(containers.SERVICE, **_service(world))
    return {
        "serviceNamespace": "ecs",
        "resourceId": service["arn"].rpartition(":")[2],
        "scalableDimension": "ecs:service:DesiredCount",
        "minCapacity": 2,
        "maxCapacity": 10,
    }


def _policy_on_target(world: World) -> Inputs:
    target = world.create(containers.TARGET, **_scaled(world))
    names = ("serviceNamespace", "resourceId", "scalableDimension")
    return {
        **{name: target[name] for name in names},
        "policyType": "TargetTrackingScaling",
        "targetTrackingScalingPolicyConfiguration": {
            "targetValue": 70,
            "predefinedMetricSpecification": {
                "predefinedMetricType": "ECSServiceAverageCPUUtilization"
            },
        },
    }


def _scaling_group(world: World) -> Inputs:
    template = world.create(machines.TEMPLATE, **_template(world))
    return {
        "minSize": 2,
        "maxSize": 4,
        "vpcZoneIdentifiers": list(world.subnets),
        "launchTemplate": {"id": template["id"], "version": "1"},
        "targetGroupArns": [world.target_group],
    }


def _template(world: World) -> Inputs:
    return {
        "imageId": "ami-0123456789abcdef0",
        "instanceType": "t3.large",
        "userData": base64.b64encode(b"#cloud-config\n").decode(),
        "vpcSecurityGroupIds": [world.group],
    }


def _alarm(world: World) -> Inputs:
    return {
        "name": "busy",
        "namespace": "AWS/ECS",
        "metricName": "CPUUtilization",
        "statistic": "Average",
        "period": 60,
        "evaluationPeriods": 2,
        "threshold": 80,
        "comparisonOperator": "GreaterThanThreshold",
        "treatMissingData": "breaching",
        "alarmActions": [world.topic],
    }


def _seen(name: str) -> Inputs:
    return {"cloudwatchMetricsEnabled": True, "metricName": name, "sampledRequestsEnabled": True}


def _acl(_world: World) -> Inputs:
    return {
        "scope": "REGIONAL",
        "defaultAction": {"allow": {}},
        "visibilityConfig": _seen("all"),
        "rules": [
            {
                "name": "rate",
                "priority": 0,
                "action": {"block": {}},
                "statement": {"rateBasedStatement": {"limit": 2000, "aggregateKeyType": "IP"}},
                "visibilityConfig": _seen("rate"),
            },
            {
                "name": "inputs",
                "priority": 1,
                "overrideAction": {"none": {}},
                "statement": {
                    "managedRuleGroupStatement": {
                        "vendorName": "AWS",
                        "name": "AWSManagedRulesKnownBadInputsRuleSet",
                    }
                },
                "visibilityConfig": _seen("inputs"),
            },
        ],
    }


def _statement(**more: Any) -> Inputs:
    return {"Effect": "Allow", "Action": "s3:GetObject", **more}


def _policy(**more: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [_statement(**more)]})


def _bucket_policy(world: World) -> Inputs:
    bucket = world.create(storage.BUCKET, bucket="kept")["bucket"]
    policy = _policy(Principal={"AWS": "*"}, Resource=f"arn:aws:s3:::{bucket}/*")
    return {"bucket": bucket, "policy": policy}


def _log_key(_world: World) -> Inputs:
    statement = {
        "Effect": "Allow",
        "Action": "kms:*",
        "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
        "Resource": "*",
    }
    return {"policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})}


_LIFECYCLE = {
    "rules": [
        {
            "rulePriority": 1,
            "selection": {
                "tagStatus": "untagged",
                "countType": "sinceImagePushed",
                "countUnit": "days",
                "countNumber": 7,
            },
            "action": {"type": "expire"},
        }
    ]
}

_GOOD: dict[str, Any] = {
    network.VPC: lambda _: {"cidrBlock": "10.1.0.0/16"},
    network.SUBNET: lambda w: {"vpcId": w.vpc, "cidrBlock": "10.0.9.0/24",
                               "availabilityZone": "ap-northeast-2c"},
    network.NAT: lambda w: {"subnetId": w.subnets[0], "allocationId": w.create(network.EIP)["id"]},
    network.ROUTE: lambda w: {"routeTableId": w.create(network.TABLE, vpcId=w.vpc)["id"],
                              "destinationCidrBlock": "0.0.0.0/0",
                              "natGatewayId": w.create(
                                  network.NAT, **good_inputs(network.NAT, w))["id"]},
    network.ENDPOINT: lambda w: {"vpcId": w.vpc, "vpcEndpointType": "Interface",
                                 "serviceName": "com.amazonaws.ap-northeast-2.logs",
                                 "subnetIds": list(w.subnets), "securityGroupIds": [w.group],
                                 "privateDnsEnabled": True},
    network.GROUP: lambda w: {"vpcId": w.vpc, "description": "of the service"},
    network.INGRESS: lambda w: {"securityGroupId": w.group, "ipProtocol": "tcp", "fromPort": 8000,
                                "toPort": 8000, "cidrIpv4": "10.0.0.0/16"},
    balancing.BALANCER: lambda w: {"name": "door", "internal": True, "subnets": list(w.subnets),
                                   "securityGroups": [w.group]},
    balancing.GROUP: lambda w: {"name": "copies", "port": 8000, "protocol": "HTTP",
                                "vpcId": w.vpc, "targetType": "ip",
                                "healthCheck": {"path": "/health", "timeout": 10, "interval": 30}},
    balancing.LISTENER: lambda w: {"loadBalancerArn": w.balancer, "port": 8080, "protocol": "HTTP",
                                   "defaultActions": [{"type": "forward", "forward": {
                                       "targetGroups": [{"arn": w.target_group, "weight": 1}]}}]},
    balancing.ATTACHMENT: lambda w: {"targetGroupArn": w.lambda_group, "targetId": _permitted(w)},
    identity.ROLE: lambda _: {"name": "reader", "assumeRolePolicy": trust("ec2.amazonaws.com")},
    identity.ROLE_POLICY: lambda _: {"role": "task", "policy": _policy(Resource="*")},
    identity.ATTACHMENT: lambda _: {"role": "task", "policyArn":
                                    "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"},
    identity.KEY: _log_key,
    machines.TEMPLATE: _template,
    machines.SCALING_GROUP: _scaling_group,
    containers.TASK: _task,
    containers.SERVICE: _service,
    containers.TARGET: _scaled,
    containers.POLICY: _policy_on_target,
    functions.FUNCTION: _function,
    functions.ALIAS: lambda w: {"name": "live", "functionVersion": "1", "functionName":
                                w.create(functions.FUNCTION, **_function(w))["name"]},
    functions.PERMISSION: lambda w: {"action": "lambda:InvokeFunction", "principal":
                                     "elasticloadbalancing.amazonaws.com", "function":
                                     w.create(functions.FUNCTION, **_function(w))["name"]},
    clusters.CLUSTER: _cluster,
    clusters.ADDON: lambda w: {"clusterName": _in_cluster(w), "addonName": "metrics-server"},
    clusters.ASSOCIATION: lambda w: {
        "clusterName": w.create(clusters.ENTRY, clusterName=_in_cluster(w),
                                principalArn=w.roles["node"])["clusterName"],
        "principalArn": w.roles["node"], "accessScope": {"type": "cluster"},
        "policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"},
    clusters.IDENTITY: lambda w: {"clusterName": _in_cluster(w), "namespace": "api",
                                  "serviceAccount": "api", "roleArn": w.roles["pod"]},
    observability.LOG_GROUP: lambda _: {"name": "/aws/lambda/api", "retentionInDays": 30},
    observability.ALARM: _alarm,
    observability.SUBSCRIPTION: lambda w: {"topic": w.topic, "protocol": "email",
                                           "endpoint": "ops@example.com"},
    observability.DASHBOARD: lambda _: {"dashboardName": "api", "dashboardBody": json.dumps(
        {"widgets": [{"type": "metric", "properties": {"region": "ap-northeast-2"}}]})},
    storage.BUCKET: lambda _: {"bucket": "models-of-ours"},
    "aws:s3/bucketPolicy:BucketPolicy": _bucket_policy,
    storage.REPOSITORY: lambda _: {"name": "hate-speech-api"},
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": lambda w: {"repository": w.create(
        storage.REPOSITORY, name="kept")["name"], "policy": json.dumps(_LIFECYCLE)},
    firewall.ACL: _acl,
    firewall.LOGGING: lambda w: {
        "resourceArn": w.create(firewall.ACL, **_acl(w))["arn"],
        "logDestinationConfigs": [
            w.create(observability.LOG_GROUP, name="aws-waf-logs-api")["arn"]]},
    naming.CERTIFICATE: lambda _: {"domainName": "api.example.com", "validationMethod": "DNS"},
    naming.RECORD: lambda w: {"zoneId": w.create(naming.ZONE, name="example.com")["id"],
                              "name": "api.example.com", "type": "CNAME", "ttl": 60,
                              "records": ["elsewhere.example.com"]},
}  # fmt: skip
TOKENS = tuple(_GOOD)
