"""Where alarms go: a topic, encrypted with a key that CloudWatch may use, and who listens."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pulumi
from pulumi_aws import kms, sns

from turnout.parts.account import Account
from turnout.parts.key_policy import key_policy

CLOUDWATCH: Final = "cloudwatch.amazonaws.com"


@dataclass(frozen=True, kw_only=True)
class NotificationsArgs:
    """`subscribers` are e-mail addresses and https:// addresses."""

    subscribers: Sequence[str]
    account: Account
    tags: Mapping[str, str]


class Notifications(pulumi.ComponentResource):
    """An SNS topic for alarms."""

    topic_arn: pulumi.Output[str]

    def __init__(
        self, name: str, args: NotificationsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("turnout:parts:Notifications", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        key = kms.Key(
            name,
            description="Encrypts alarms on their way",
            enable_key_rotation=True,
            deletion_window_in_days=7,
            policy=key_policy(args.account, used_by_alarms(args.account)),
            tags=args.tags,
            opts=child,
        )
        topic = sns.Topic(name, kms_master_key_id=key.arn, tags=args.tags, opts=child)
        policy = sns.TopicPolicy(
            name, arn=topic.arn, policy=topic_policy(topic.arn, args.account), opts=child
        )
        for subscriber in sorted(args.subscribers):
            mail = not subscriber.startswith("https://")
            sns.TopicSubscription(
                # An address may hold what a name may not; its digest is as stable.
                f"{name}-{hashlib.sha256(subscriber.encode()).hexdigest()[:8]}",
                topic=topic.arn,
                protocol="email" if mail else "https",
                # An address of a chat or a pager often holds the token that lets one write there.
                endpoint=subscriber if mail else pulumi.Output.secret(subscriber),
                opts=child,
            )
        # Whoever is told the topic may rely on its policy.
        self.topic_arn = pulumi.Output.all(topic.arn, policy.id).apply(lambda both: str(both[0]))
        self.register_outputs({"topicArn": self.topic_arn})


def used_by_alarms(account: Account) -> dict[str, Any]:
    """CloudWatch's alarms of the account use the key through SNS.

    With `alias/aws/sns` instead, CloudWatch could not publish: AWS's own key has a policy that
    nobody can change.
    """
    return {
        "Sid": "UsedByAlarms",
        "Effect": "Allow",
        "Principal": {"Service": CLOUDWATCH},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:SourceAccount": account.account_id}},
    }


def topic_policy(topic_arn: pulumi.Input[str], account: Account) -> pulumi.Output[str]:
    """CloudWatch's alarms of this account and region may publish, over TLS only."""
    return pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "PublishedByAlarms",
                    "Effect": "Allow",
                    "Principal": {"Service": CLOUDWATCH},
                    "Action": "sns:Publish",
                    "Resource": topic_arn,
                    "Condition": {
                        "StringEquals": {"aws:SourceAccount": account.account_id},
                        "ArnLike": {"aws:SourceArn": account.arn("cloudwatch", "alarm:*")},
                    },
                },
                {
                    "Sid": "RefusePlainHttp",
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "sns:Publish",
                    "Resource": topic_arn,
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                },
            ],
        },
        sort_keys=True,
    )
