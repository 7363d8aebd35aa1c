"""What a push to the main branch may do: bring images and models, and nothing to do with them."""

import pulumi

from turnout.parts.statements import Statement, log_in_to_ecr


def publish(repository_arn: pulumi.Input[str], bucket_arn: pulumi.Input[str]) -> list[Statement]:
    """Pushing images to the registry and models to the bucket; nothing can be deleted."""
    return [
        log_in_to_ecr(),
        Statement(
            sid="PushImages",
            actions=[
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "ecr:CompleteLayerUpload",
                "ecr:DescribeImageScanFindings",
                "ecr:DescribeImages",
                "ecr:GetDownloadUrlForLayer",
                "ecr:InitiateLayerUpload",
                "ecr:PutImage",
                "ecr:UploadLayerPart",
            ],
            resources=[repository_arn],
        ),
        Statement(
            sid="PushModels",
            actions=["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"],
            resources=[pulumi.Output.concat(bucket_arn, "/*")],
        ),
        Statement(
            sid="ListModels",
            actions=["s3:GetBucketLocation", "s3:ListBucket"],
            resources=[bucket_arn],
        ),
    ]


def keep_deployed(repository_arn: pulumi.Input[str]) -> list[Statement]:
    """Marking an image of the registry as deployed: a further tag for what is there already."""
    return [
        Statement(
            sid="MarkDeployedImages",
            actions=["ecr:BatchGetImage", "ecr:PutImage"],
            resources=[repository_arn],
        )
    ]


def lambda_may_pull(
    account_id: pulumi.Input[str], functions: pulumi.Input[str]
) -> pulumi.Output[str]:
    """The repository's policy: Lambda pulls for the account's own functions.

    Without it Lambda would write one itself, and whoever deploys would need the right to let
    anybody in.
    """
    return pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "LambdaPulls",
                    "Effect": "Allow",
                    "Principal": {"Service": "lambda.amazonaws.com"},
                    "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
                    "Condition": {
                        "StringEquals": {"aws:SourceAccount": account_id},
                        "ArnLike": {"aws:SourceArn": functions},
                    },
                }
            ],
        },
        sort_keys=True,
    )
