"""What the stand-in for AWS refuses in one resource's own inputs."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from tests.engine.account import altered
from tests.engine.refusals.world import TOKENS, World, good_inputs
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
from tests.engine.standin.cloud import RefusedError

BUCKET_POLICY = "aws:s3/bucketPolicy:BucketPolicy"
LIFECYCLE = "aws:ecr/lifecyclePolicy:LifecyclePolicy"


@pytest.mark.parametrize("token", TOKENS)
def test_good_inputs_are_accepted(token: str, world: World) -> None:
    assert world.create(token, **good_inputs(token, world))["id"]


@pytest.mark.parametrize("token", TOKENS)
def test_a_property_that_the_sdk_does_not_have_is_refused(token: str, world: World) -> None:
    with pytest.raises(RefusedError, match="has no property 'colour'"):
        world.create(token, **good_inputs(token, world), colour="red")


REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "a missing property": (network.SUBNET, {"vpcId": None}, "requires 'vpcId'"),
    "text for a number": (balancing.GROUP, {"port": "http"}, "expected integer"),
    "text for a list": (balancing.BALANCER, {"subnets": "all"}, "expected a list"),
    "a nested property that is none": (
        balancing.GROUP, {"healthCheck": {"paths": "/"}}, "no property 'paths'"),
    "no CIDR": (network.SUBNET, {"cidrBlock": "10.0.9.0/33"}, "CIDR"),
    "a CIDR with host bits": (network.INGRESS, {"cidrIpv4": "10.0.0.1/16"}, "CIDR"),
    "a block too large for a VPC": (network.VPC, {"cidrBlock": "10.0.0.0/8"}, "/16"),
    "a block outside the VPC": (network.SUBNET, {"cidrBlock": "10.9.9.0/24"}, "Range"),
    "a block that overlaps": (network.SUBNET, {"cidrBlock": "10.0.0.0/25"}, "Conflict"),
    "a zone of another region": (
        network.SUBNET, {"availabilityZone": "us-east-1a"}, "is no zone"),
    "a public NAT gateway without address": (
        network.NAT, {"allocationId": None}, "Elastic IP"),
    "a route to nowhere": (network.ROUTE, {"natGatewayId": None}, "exactly one of gatewayId"),
    "an endpoint of another region": (
        network.ENDPOINT, {"serviceName": "com.amazonaws.us-east-1.logs"}, "InvalidServiceName"),
    "an interface endpoint with route tables": (
        network.ENDPOINT, {"routeTableIds": ["rtb-1"]}, "takes subnets"),
    "a group's description in Korean": (
        network.GROUP, {"description": "서비스"}, "characters"),
    "a rule from two sources": (
        network.INGRESS, {"prefixListId": "pl-1"}, "exactly one of cidrIpv4"),
    "a port above 65535": (network.INGRESS, {"toPort": 65536}, "range"),
    "ports the wrong way round": (network.INGRESS, {"toPort": 80}, "is above toPort"),
    "a balancer's name over 32": (balancing.BALANCER, {"name": "d" * 33}, "32"),
    "a balancer named internal-": (balancing.BALANCER, {"name": "internal-door"}, "internal-"),
    "a balancer in one subnet": (balancing.BALANCER, {"subnets": ["subnet-1"]}, "two subnets"),
    "logs to a bucket without policy": (
        balancing.BALANCER, {"accessLogs": {"bucket": "logs", "enabled": True}}, "Access Denied"),
    "a health check slower than its interval": (
        balancing.GROUP, {"healthCheck.timeout": 30}, "must be under interval"),
    "a lambda group with a port": (balancing.GROUP, {"targetType": "lambda"}, "takes no port"),
    "a protocol that is none": (balancing.GROUP, {"protocol": "GOPHER"}, "expected one of"),
    "HTTPS without certificate": (
        balancing.LISTENER, {"protocol": "HTTPS"}, "needs a certificate"),
    "a forward to nothing": (
        balancing.LISTENER, {"defaultActions.0.forward": None}, "targetGroupArn or forward"),
    "weights that are all 0": (
        balancing.LISTENER, {"defaultActions.0.forward.targetGroups.0.weight": 0}, "all be 0"),
    "a weight over 999": (
        balancing.LISTENER, {"defaultActions.0.forward.targetGroups.0.weight": 1000}, "999"),
    "a trust policy that is no JSON": (
        identity.ROLE, {"assumeRolePolicy": "{"}, "invalid JSON"),
    "a trust policy without principal": (
        identity.ROLE, {"assumeRolePolicy": json.dumps({"Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole"}]})}, "must have a Principal"),
    "a role's name over 64": (identity.ROLE, {"name": "r" * 65}, "64"),
    "a policy without resource": (
        identity.ROLE_POLICY, {"policy": json.dumps({"Statement": [
            {"Effect": "Allow", "Action": "s3:GetObject"}]})}, "must have a Resource"),
    "a policy of AWS's that is no ARN": (
        identity.ATTACHMENT, {"policyArn": "AmazonSSMManagedInstanceCore"}, "ARN"),
    "a key that locks its owner out": (
        identity.KEY, {"policy": json.dumps({"Statement": [
            {"Effect": "Allow", "Action": "kms:*", "Resource": "*",
             "Principal": {"Service": "logs.amazonaws.com"}}]})}, "will not allow you to update"),
    "an instance type that is none": (
        machines.TEMPLATE, {"instanceType": "huge"}, "no instance type"),
    "user data that is not in base64": (
        machines.TEMPLATE, {"userData": "#cloud-config"}, "base64"),
    "user data over 16 KiB": (
        machines.TEMPLATE, {"userData": base64.b64encode(b"x" * 16_385).decode()}, "limited"),
    "a group with min above max": (machines.SCALING_GROUP, {"minSize": 5}, "above maxSize"),
    "a group without template": (
        machines.SCALING_GROUP, {"launchTemplate": None}, "exactly one of launchTemplate"),
    "a Fargate size that is not sold": (
        containers.TASK, {"memory": "1024"}, "No Fargate configuration"),
    "Fargate without awsvpc": (containers.TASK, {"networkMode": "bridge"}, "awsvpc"),
    "containers that are no JSON": (
        containers.TASK, {"containerDefinitions": "[" }, "invalid JSON"),
    "both ways to place a service": (
        containers.SERVICE, {"capacityProviderStrategies": [
            {"capacityProvider": "FARGATE_SPOT", "weight": 1}]}, "not both"),
    "a service on a port that no container has": (
        containers.SERVICE, {"loadBalancers.0.containerPort": 9000}, "not 9000"),
    "bounds the wrong way round": (containers.TARGET, {"minCapacity": 11}, "above maxCapacity"),
    "a policy on requests without label": (
        containers.POLICY, {
            "targetTrackingScalingPolicyConfiguration.predefinedMetricSpecification": {
                "predefinedMetricType": "ALBRequestCountPerTarget"}}, "resourceLabel"),
    "too much memory for Lambda": (functions.FUNCTION, {"memorySize": 10_241}, "range"),
    "a function of over 15 minutes": (functions.FUNCTION, {"timeout": 901}, "range"),
    "a function without image": (functions.FUNCTION, {"imageUri": None}, "needs an imageUri"),
    "an image of another region": (
        functions.FUNCTION,
        {"imageUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/api:1"}, "must be in"),
    "an image of a public registry": (
        functions.FUNCTION, {"imageUri": "docker.io/library/nginx:1"}, "private ECR"),
    "a setting that Lambda reserves": (
        functions.FUNCTION, {"environment": {"variables": {"AWS_REGION": "x"}}}, "reserves"),
    "all of the account's concurrency": (
        functions.FUNCTION, {"reservedConcurrentExecutions": 901}, "leaves less than"),
    "an alias of no version": (functions.ALIAS, {"functionVersion": "2"}, "no version 2"),
    "a permission for nobody": (functions.PERMISSION, {"principal": "alb"}, "neither"),
    "half of Auto Mode": (
        clusters.CLUSTER, {"storageConfig": None}, "fully enabled or fully disabled"),
    "Auto Mode with add-ons of one's own": (
        clusters.CLUSTER, {"bootstrapSelfManagedAddons": None}, "must be false"),
    "a Kubernetes version that is gone": (clusters.CLUSTER, {"version": "1.20"}, "unsupported"),
    "an add-on that is none": (clusters.ADDON, {"addonName": "coffee"}, "no add-on"),
    "an access policy of IAM": (
        clusters.ASSOCIATION, {"policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"},
        "no access policy"),
    "a retention that is not sold": (
        observability.LOG_GROUP, {"retentionInDays": 31}, "expected one of"),
    "an alarm's operator that is none": (
        observability.ALARM, {"comparisonOperator": "Above"}, "expected one of"),
    "an alarm every 45 seconds": (observability.ALARM, {"period": 45}, "multiple of 60"),
    "an alarm without metric": (observability.ALARM, {"metricName": None}, "metricQueries"),
    "an alarm without threshold": (observability.ALARM, {"threshold": None}, "thresholdMetricId"),
    "an e-mail address that is none": (
        observability.SUBSCRIPTION, {"endpoint": "ops"}, "email endpoint"),
    "a dashboard that is no JSON": (
        observability.DASHBOARD, {"dashboardBody": "{"}, "invalid JSON"),
    "a widget without region": (
        observability.DASHBOARD, {"dashboardBody": json.dumps({"widgets": [
            {"type": "metric", "properties": {}}]})}, "needs a region"),
    "a bucket's name in capitals": (storage.BUCKET, {"bucket": "Models"}, "InvalidBucketName"),
    "a bucket policy for another bucket": (
        BUCKET_POLICY, {"policy": json.dumps({"Statement": [
            {"Effect": "Allow", "Action": "s3:GetObject", "Principal": "*",
             "Resource": "arn:aws:s3:::other/*"}]})}, "is not of bucket"),
    "a repository's name in capitals": (storage.REPOSITORY, {"name": "API"}, "name"),
    "a lifecycle policy without rules": (LIFECYCLE, {"policy": "{}"}, "needs rules"),
    "two rules of one priority": (firewall.ACL, {"rules.1.priority": 0}, "given twice"),
    "a rate under 10": (
        firewall.ACL, {"rules.0.statement.rateBasedStatement.limit": 9}, "limit"),
    "a managed group with an action of its own": (
        firewall.ACL, {"rules.1.action": {"block": {}}}, "takes overrideAction"),
    "a managed group that is none": (
        firewall.ACL, {"rules.1.statement.managedRuleGroupStatement.name": "Mine"},
        "no rule group"),
    "a firewall's log of another name": (
        firewall.LOGGING, {"logDestinationConfigs": [
            "arn:aws:logs:ap-northeast-2:123456789012:log-group:firewall"]}, "aws-waf-logs-"),
    "a domain that is none": (naming.CERTIFICATE, {"domainName": "api"}, "Domain"),
    "records without ttl": (naming.RECORD, {"ttl": None}, "need a ttl"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str, world: World) -> None:
    token, changes, reason = REFUSED[case]
    inputs = altered(good_inputs(token, world), changes)
    with pytest.raises(RefusedError, match=reason):
        world.create(token, **inputs)


CONTAINER_FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "no image": ({"image": None}, "image is required"),
    "a tmpfs on Fargate": ({"linuxParameters": {"tmpfs": [{"size": 1}]}}, "not supported"),
    "a stop of over two minutes": ({"stopTimeout": 121}, "120"),
    "a health check of a bare command": (
        {"healthCheck": {"command": ["turnout-healthcheck"]}}, "starts with CMD"),
    "a log group that nobody made": (
        {"logConfiguration.options.awslogs-group": "/ecs/none"}, "does not exist"),
    "a log driver without stream prefix": (
        {"logConfiguration.options.awslogs-stream-prefix": None}, "awslogs-stream-prefix"),
    "a number as a setting": (
        {"environment": [{"name": "TURNOUT_PORT", "value": 8000}]}, "must have a string"),
    "a setting given twice": (
        {"environment": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]}, "twice"),
    "a mount of no volume": (
        {"mountPoints": [{"sourceVolume": "models"}]}, "unknown volume"),
}  # fmt: skip


@pytest.mark.parametrize("case", CONTAINER_FAULTS)
def test_refused_in_a_container(case: str, world: World) -> None:
    changes, reason = CONTAINER_FAULTS[case]
    inputs = good_inputs(containers.TASK, world)
    (container,) = json.loads(inputs["containerDefinitions"])
    inputs["containerDefinitions"] = json.dumps([altered(container, changes)])
    with pytest.raises(RefusedError, match=reason):
        world.create(containers.TASK, **inputs)
