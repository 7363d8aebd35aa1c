"""What may be reached through the S3 endpoint of a VPC that has no other way out."""

from collections.abc import Collection
from typing import Any, Final

import pulumi

from turnout.config.target import Kind
from turnout.parts.account import Account

# Amazon ECR, "Amazon ECR interface VPC endpoints (AWS PrivateLink)": where image layers lie.
_LAYERS: Final = ("prod-", "-starport-layer-bucket/*")
# Amazon CloudWatch, "Download the CloudWatch agent package": the key, and the region's packages.
_AGENT: Final = "amazoncloudwatch-agent"


def storage_policy(
    model_uri: str | None, kinds: Collection[Kind], account: Account
) -> pulumi.Output[str]:
    """Buckets of this account, the model's, image layers, and what machines install themselves.

    Without it anybody in the VPC could carry data out to a bucket of an account of theirs.
    """

    def objects(*path: pulumi.Input[str]) -> pulumi.Output[str]:
        return account.arn("s3", pulumi.Output.concat(*path), region=False, account=False)

    packages: list[pulumi.Input[str]] = [objects(_LAYERS[0], account.region, _LAYERS[1])]
    if "ec2" in kinds:
        packages += [objects(f"{_AGENT}/*"), objects(f"{_AGENT}-", account.region, "/*")]
    statements: list[dict[str, Any]] = [
        {
            "Sid": "BucketsOfThisAccount",
            "Action": "s3:*",
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:ResourceAccount": account.account_id}},
        },
        {"Sid": "PackagesOfAws", "Action": "s3:GetObject", "Resource": packages},
    ]
    if model_uri is not None and model_uri.startswith("s3://"):
        bucket = model_uri.removeprefix("s3://").partition("/")[0]
        statements.append(
            {
                # It may be another account's.
                "Sid": "BucketOfTheModel",
                "Action": ["s3:GetObject", "s3:ListBucket"],
                "Resource": [objects(bucket), objects(f"{bucket}/*")],
            }
        )
    return pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{**one, "Effect": "Allow", "Principal": "*"} for one in statements],
        },
        sort_keys=True,
    )
