"""An EKS cluster with a node group, and a deployment as the Kubernetes tutorial has it."""

import json

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes

role = aws.iam.Role(
    "eks",
    assume_role_policy=json.dumps(
        {
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "eks.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ]
        }
    ),
)
cluster = aws.eks.Cluster(
    "eks",
    role_arn=role.arn,
    vpc_config={
        "subnet_ids": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
        "public_access_cidrs": ["0.0.0.0/0"],
    },
)
aws.eks.NodeGroup(
    "workers",
    cluster_name=cluster.name,
    node_role_arn=role.arn,
    subnet_ids=["subnet-0123456789abcdef0"],
    scaling_config={"desired_size": 2, "max_size": 3, "min_size": 1},
)
provider = kubernetes.Provider("eks", kubeconfig=cluster.endpoint)
opts = pulumi.ResourceOptions(provider=provider)
labels = {"app": "nginx"}
kubernetes.apps.v1.Deployment(
    "nginx",
    spec={
        "selector": {"matchLabels": labels},
        "replicas": 1,
        "template": {
            "metadata": {"labels": labels},
            "spec": {
                "containers": [
                    {"name": "nginx", "image": "nginx", "ports": [{"containerPort": 80}]}
                ]
            },
        },
    },
    opts=opts,
)
kubernetes.core.v1.Service(
    "nginx",
    spec={"type": "LoadBalancer", "selector": labels, "ports": [{"port": 80}]},
    opts=opts,
)
