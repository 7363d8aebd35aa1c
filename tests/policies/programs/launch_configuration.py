"""A group of machines from the years of launch configurations and classic load balancers."""

import pulumi_aws as aws

lb_group = aws.ec2.SecurityGroup("lb", description="elb", vpc_id="vpc-0123456789abcdef0")
app_group = aws.ec2.SecurityGroup("app", description="app", vpc_id="vpc-0123456789abcdef0")
aws.ec2.SecurityGroupRule(
    "lb-http",
    type="ingress",
    security_group_id=lb_group.id,
    protocol="tcp",
    from_port=80,
    to_port=80,
    cidr_blocks=["0.0.0.0/0"],
    ipv6_cidr_blocks=["::/0"],
)
aws.ec2.SecurityGroupRule(
    "app-from-lb",
    type="ingress",
    security_group_id=app_group.id,
    protocol="-1",
    from_port=0,
    to_port=0,
    source_security_group_id=lb_group.id,
)
aws.ec2.SecurityGroupRule(
    "app-out",
    type="egress",
    security_group_id=app_group.id,
    protocol="-1",
    from_port=0,
    to_port=0,
    cidr_blocks=["0.0.0.0/0"],
)
elb = aws.elb.LoadBalancer(
    "classic",
    security_groups=[lb_group.id],
    subnets=["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
    listeners=[
        {"instance_port": 8080, "instance_protocol": "http", "lb_port": 80, "lb_protocol": "http"}
    ],
)
config = aws.ec2.LaunchConfiguration(
    "app",
    image_id="ami-0123456789abcdef0",
    instance_type="m4.large",
    security_groups=[app_group.id],
    iam_instance_profile="app",
)
group = aws.autoscaling.Group(
    "app",
    launch_configuration=config.name,
    min_size=2,
    max_size=6,
    health_check_type="ELB",
    load_balancers=[elb.name],
    vpc_zone_identifiers=["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
)
out = aws.autoscaling.Policy(
    "out",
    autoscaling_group_name=group.name,
    scaling_adjustment=1,
    adjustment_type="ChangeInCapacity",
)
aws.cloudwatch.MetricAlarm(
    "busy",
    namespace="AWS/EC2",
    metric_name="CPUUtilization",
    dimensions={"AutoScalingGroupName": group.name},
    comparison_operator="GreaterThanOrEqualToThreshold",
    threshold=70,
    period=120,
    evaluation_periods=2,
    statistic="Average",
    alarm_actions=[out.arn],
)
