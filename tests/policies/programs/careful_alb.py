"""A load balancer by the older module's names, made with care: rules as JSON, rules apart."""

import json
from typing import Any

import pulumi_aws as aws

SUBNETS = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
VPC = "vpc-0123456789abcdef0"

door = aws.ec2.SecurityGroup("door", description="Balancer of the shop", vpc_id=VPC)
shop = aws.ec2.SecurityGroup("shop", description="Machines of the shop", vpc_id=VPC)
for number, cidr in enumerate({"0.0.0.0/0": 4, "::/0": 6}):
    aws.vpc.SecurityGroupIngressRule(
        f"https-{number}",
        security_group_id=door.id,
        description="HTTPS from the internet",
        ip_protocol="tcp",
        from_port=443,
        to_port=443,
        **{"cidr_ipv6" if ":" in cidr else "cidr_ipv4": cidr},
    )
aws.vpc.SecurityGroupIngressRule(
    "shop",
    security_group_id=shop.id,
    description="from the balancer",
    ip_protocol="tcp",
    from_port=8080,
    to_port=8080,
    referenced_security_group_id=door.id,
)
aws.vpc.SecurityGroupIngressRule(
    "path-mtu",
    security_group_id=door.id,
    description="path MTU discovery",
    ip_protocol="icmp",
    from_port=3,
    to_port=4,
    cidr_ipv4="0.0.0.0/0",
)
balancer = aws.alb.LoadBalancer(
    "shop",
    security_groups=[door.id],
    subnets=SUBNETS,
    drop_invalid_header_fields=True,
    enable_deletion_protection=True,
    access_logs={"bucket": "shop-logs", "enabled": True},
)
group = aws.alb.TargetGroup(
    "shop",
    port=8080,
    protocol="HTTP",
    vpc_id=VPC,
    health_check={"path": "/healthz", "matcher": "200"},
)
aws.alb.Listener(
    "https",
    load_balancer_arn=balancer.arn,
    port=443,
    protocol="HTTPS",
    ssl_policy="ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
    certificate_arn="arn:aws:acm:ap-northeast-2:123456789012:certificate/shop",
    default_actions=[{"type": "forward", "target_group_arn": group.arn}],
)
MANAGED = ("AWSManagedRulesCommonRuleSet", "AWSManagedRulesSQLiRuleSet")
seen = {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True}
rules = [
    {
        "Name": name,
        "Priority": number,
        "OverrideAction": {"None": {}},
        "Statement": {"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": name}},
        "VisibilityConfig": {**seen, "MetricName": name},
    }
    for number, name in enumerate(MANAGED)
]
rules.append(
    {
        "Name": "rate",
        "Priority": 9,
        "Action": {"Block": {}},
        "Statement": {"RateBasedStatement": {"Limit": 1000, "AggregateKeyType": "IP"}},
        "VisibilityConfig": {**seen, "MetricName": "rate"},
    }
)
acl = aws.wafv2.WebAcl(
    "shop",
    scope="REGIONAL",
    default_action={"allow": {}},
    rule_json=json.dumps(rules),
    visibility_config={
        "cloudwatch_metrics_enabled": True,
        "metric_name": "shop",
        "sampled_requests_enabled": True,
    },
)
aws.wafv2.WebAclAssociation("shop", resource_arn=balancer.arn, web_acl_arn=acl.arn)
template = aws.ec2.LaunchTemplate(
    "shop",
    image_id="ami-0123456789abcdef0",
    vpc_security_group_ids=[shop.id],
    metadata_options={"http_tokens": "required"},
    block_device_mappings=[{"device_name": "/dev/xvda", "ebs": {"encrypted": "true"}}],
    iam_instance_profile={"name": "shop"},
)
machines = aws.autoscaling.Group(
    "shop",
    min_size=2,
    max_size=4,
    desired_capacity=2,
    health_check_type="ELB",
    vpc_zone_identifiers=SUBNETS,
    launch_template={"id": template.id, "version": "$Latest"},
)
aws.autoscaling.Attachment(
    "shop", autoscaling_group_name=machines.id, lb_target_group_arn=group.arn
)
aws.autoscaling.Policy(
    "cpu",
    autoscaling_group_name=machines.name,
    policy_type="TargetTrackingScaling",
    target_tracking_configuration={
        "predefined_metric_specification": {"predefined_metric_type": "ASGAverageCPUUtilization"},
        "target_value": 60.0,
    },
)
topic = aws.sns.Topic("pages")
aws.sns.TopicSubscription(
    "pages", topic=topic.arn, protocol="https", endpoint="https://pages.example.com"
)


def alarm(name: str, **more: Any) -> None:
    aws.cloudwatch.MetricAlarm(
        name,
        evaluation_periods=2,
        treat_missing_data="breaching",
        alarm_actions=[topic.arn],
        **more,
    )


where = {"LoadBalancer": balancer.arn_suffix, "TargetGroup": group.arn_suffix}
alarm(
    "cpu",
    namespace="AWS/EC2",
    metric_name="CPUUtilization",
    period=60,
    statistic="Average",
    comparison_operator="GreaterThanThreshold",
    threshold="85",
    dimensions={"AutoScalingGroupName": machines.name},
)
alarm(
    "memory",
    namespace="CWAgent",
    metric_name="mem_used_percent",
    period=60,
    statistic="Average",
    comparison_operator="GreaterThanThreshold",
    threshold=85,
    dimensions={"AutoScalingGroupName": machines.name},
)
alarm(
    "hosts",
    namespace="AWS/ApplicationELB",
    metric_name="HealthyHostCount",
    period=60,
    statistic="Minimum",
    comparison_operator="LessThanThreshold",
    threshold=2,
    dimensions=where,
)
alarm(
    "slow",
    namespace="AWS/ApplicationELB",
    metric_name="TargetResponseTime",
    period=60,
    extended_statistic="p99",
    comparison_operator="GreaterThanThreshold",
    threshold=1.5,
    dimensions=where,
)
alarm(
    "errors",
    comparison_operator="GreaterThanThreshold",
    threshold=0.05,
    metric_queries=[
        {"id": "share", "expression": "errors / requests", "return_data": True},
        {
            "id": "errors",
            "metric": {
                "namespace": "AWS/ApplicationELB",
                "stat": "Sum",
                "metric_name": "HTTPCode_Target_5XX_Count",
                "period": 60,
                "dimensions": where,
            },
        },
        {
            "id": "requests",
            "metric": {
                "namespace": "AWS/ApplicationELB",
                "stat": "Sum",
                "metric_name": "RequestCount",
                "period": 60,
                "dimensions": where,
            },
        },
    ],
)
