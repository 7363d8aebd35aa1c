"""Where a stack is deployed to: asked from the provider, so that explicit providers work."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws


@dataclass(frozen=True, kw_only=True)
class Account:
    """An AWS account and one of its regions."""

    account_id: pulumi.Output[str]
    region: pulumi.Output[str]
    partition: pulumi.Output[str]
    """`aws`, `aws-cn` or `aws-us-gov`: the second field of an ARN."""
    dns_suffix: pulumi.Output[str]

    def arn(
        self,
        service: str,
        resource: pulumi.Input[str],
        *,
        region: bool = True,
        account: bool = True,
    ) -> pulumi.Output[str]:
        """The ARN of a resource here; IAM and S3 leave out `region`, S3 also `account`."""
        return pulumi.Output.concat(
            "arn:",
            self.partition,
            f":{service}:",
            self.region if region else "",
            ":",
            self.account_id if account else "",
            ":",
            resource,
        )


def look_up_account(opts: pulumi.InvokeOptions) -> Account:
    """The account and region that the provider of `opts.parent` (or `opts.provider`) works in."""
    partition = aws.get_partition_output(opts=opts)
    return Account(
        account_id=aws.get_caller_identity_output(opts=opts).account_id,
        region=aws.get_region_output(opts=opts).region,
        partition=partition.partition,
        dns_suffix=partition.dns_suffix,
    )
