"""A web server as tutorials write it: one instance, one group with its rules inside."""

import pulumi_aws as aws

ami = aws.ec2.get_ami(most_recent=True, owners=["099720109477"])
group = aws.ec2.SecurityGroup(
    "web-secgrp",
    description="Enable HTTP and SSH access",
    ingress=[
        aws.ec2.SecurityGroupIngressArgs(
            protocol="tcp", from_port=22, to_port=22, cidr_blocks=["0.0.0.0/0"]
        ),
        aws.ec2.SecurityGroupIngressArgs(
            protocol="tcp", from_port=80, to_port=80, cidr_blocks=["0.0.0.0/0"]
        ),
        {"protocol": "icmp", "from_port": -1, "to_port": -1, "cidr_blocks": ["0.0.0.0/0"]},
        {"protocol": "tcp", "from_port": 3306, "to_port": 3306, "self": True},
    ],
    egress=[{"protocol": "-1", "from_port": 0, "to_port": 0, "cidr_blocks": ["0.0.0.0/0"]}],
)
aws.ec2.Instance(
    "web-server",
    instance_type="t3.micro",
    ami=ami.id,
    vpc_security_group_ids=[group.id],
    user_data="#!/bin/bash\n"
    "export DB=postgres://app:s3cretpw@db.internal/app\n"
    "python3 -m http.server 80\n",
    associate_public_ip_address=True,
    root_block_device={"volume_size": 20},
)
