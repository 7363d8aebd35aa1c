"""One Pulumi program that runs a text classifier on Lambda, EC2, ECS or EKS."""
