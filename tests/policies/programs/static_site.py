"""A public bucket with a site, by the resources of the fifth and sixth provider versions."""

import json

import pulumi
import pulumi_aws as aws

site = aws.s3.BucketV2("site", bucket="www.example.com")
aws.s3.BucketWebsiteConfigurationV2("site", bucket=site.id, index_document={"suffix": "index.html"})
aws.s3.BucketOwnershipControls(
    "site", bucket=site.id, rule={"object_ownership": "BucketOwnerPreferred"}
)
access = aws.s3.BucketPublicAccessBlock(
    "site",
    bucket=site.id,
    block_public_acls=False,
    block_public_policy=False,
    ignore_public_acls=False,
    restrict_public_buckets=False,
)
aws.s3.BucketAclV2(
    "site", bucket=site.id, acl="public-read", opts=pulumi.ResourceOptions(depends_on=[access])
)
aws.s3.BucketPolicy(
    "site",
    bucket=site.id,
    policy=json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": "*",
                    "Action": ["s3:GetObject"],
                    "Resource": ["arn:aws:s3:::www.example.com/*"],
                }
            ],
        }
    ),
)
logs = aws.s3.Bucket("logs")
