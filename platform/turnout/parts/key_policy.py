"""Who may do what with a KMS key of the stack's own, as its policy says."""

from typing import Any

import pulumi

from turnout.parts.account import Account


def key_policy(account: Account, *more: dict[str, Any]) -> pulumi.Output[str]:
    """The account's IAM policies decide, and the statements `more` add to that.

    Without the first nobody could ever change the key again.
    """
    administered = {
        "Sid": "AdministeredByTheAccount",
        "Effect": "Allow",
        "Principal": {
            "AWS": pulumi.Output.concat(
                "arn:", account.partition, ":iam::", account.account_id, ":root"
            )
        },
        "Action": "kms:*",
        "Resource": "*",
    }
    return pulumi.Output.json_dumps(
        {"Version": "2012-10-17", "Statement": [administered, *more]}, sort_keys=True
    )
