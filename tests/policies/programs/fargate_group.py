"""A Fargate service made by a component, as crosswalk libraries group things."""

import json

import pulumi
import pulumi_aws as aws


class FargateService(pulumi.ComponentResource):
    def __init__(
        self, name: str, image: str, port: int, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("example:ecs:FargateService", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        vpc = aws.ec2.get_vpc_output(id="vpc-0123456789abcdef0")
        subnets = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
        alb_group = aws.ec2.SecurityGroup(
            f"{name}-alb",
            vpc_id=vpc.id,
            ingress=[
                {"protocol": "tcp", "from_port": 80, "to_port": 80, "cidr_blocks": ["0.0.0.0/0"]}
            ],
            egress=[{"protocol": "-1", "from_port": 0, "to_port": 0, "cidr_blocks": ["0.0.0.0/0"]}],
            opts=child,
        )
        task_group = aws.ec2.SecurityGroup(
            f"{name}-task",
            vpc_id=vpc.id,
            ingress=[
                {
                    "protocol": "tcp",
                    "from_port": port,
                    "to_port": port,
                    "security_groups": [alb_group.id],
                }
            ],
            opts=child,
        )
        alb = aws.lb.LoadBalancer(name, security_groups=[alb_group.id], subnets=subnets, opts=child)
        group = aws.lb.TargetGroup(
            name, port=port, protocol="HTTP", target_type="ip", vpc_id=vpc.id, opts=child
        )
        listener = aws.lb.Listener(
            name,
            load_balancer_arn=alb.arn,
            port=80,
            default_actions=[{"type": "forward", "target_group_arn": group.arn}],
            opts=child,
        )
        cluster = aws.ecs.Cluster(name, opts=child)
        logs = aws.cloudwatch.LogGroup(name, opts=child)
        role = aws.iam.Role(
            name,
            assume_role_policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Action": "sts:AssumeRole",
                            "Effect": "Allow",
                            "Principal": {"Service": "ecs-tasks.amazonaws.com"},
                        }
                    ],
                }
            ),
            opts=child,
        )
        aws.iam.RolePolicyAttachment(
            name,
            role=role.name,
            policy_arn="arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy",
            opts=child,
        )
        task = aws.ecs.TaskDefinition(
            name,
            family=name,
            cpu="256",
            memory="512",
            network_mode="awsvpc",
            requires_compatibilities=["FARGATE"],
            execution_role_arn=role.arn,
            container_definitions=pulumi.Output.json_dumps(
                [
                    {
                        "name": "app",
                        "image": image,
                        "portMappings": [{"containerPort": port}],
                        "logConfiguration": {
                            "logDriver": "awslogs",
                            "options": {"awslogs-group": logs.name},
                        },
                    }
                ]
            ),
            opts=child,
        )
        aws.ecs.Service(
            name,
            cluster=cluster.arn,
            desired_count=3,
            launch_type="FARGATE",
            task_definition=task.arn,
            network_configuration={
                "assign_public_ip": True,
                "subnets": subnets,
                "security_groups": [task_group.id],
            },
            load_balancers=[
                {"target_group_arn": group.arn, "container_name": "app", "container_port": port}
            ],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[listener]),
        )


FargateService("app", "nginx:latest", 80)
