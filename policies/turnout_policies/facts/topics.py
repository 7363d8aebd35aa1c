"""SNS topics: who listens, and with which key."""

from __future__ import annotations

from functools import partial

from turnout_policies.facts.documents import Statement, statements
from turnout_policies.facts.tokens import (
    CHAT_CHANNELS,
    KMS_ALIAS,
    KMS_KEY,
    KMS_KEY_POLICY,
    TOPIC_SUBSCRIPTION,
)
from turnout_policies.properties import Properties
from turnout_policies.rule import any_holds
from turnout_policies.stack import Stack

_CLOUDWATCH = "cloudwatch.amazonaws.com"
# What SNS does with the key on behalf of the publisher: "Enable compatibility between event
# sources from AWS services and encrypted topics" of the SNS developer guide.
_NEEDED = ("kms:decrypt", "kms:generatedatakey")


def listeners_of(topic: Properties, stack: Stack) -> list[Properties]:
    """The subscriptions to a topic, and the chat channels that it is shown in."""
    subscriptions = stack.referrers(topic, "topic", TOPIC_SUBSCRIPTION)
    return subscriptions or stack.referrers(topic, "snsTopicArns", *CHAT_CHANNELS)


def keys_of(topic: Properties, stack: Stack) -> list[Properties]:
    """The keys of this stack that a topic is encrypted with, by id, ARN or alias."""
    place = topic.at("kmsMasterKeyId")
    keys = stack.targets(place, KMS_KEY)
    aliases = stack.targets(place, KMS_ALIAS)
    if place.known:
        aliases += [item for item in stack.of(KMS_ALIAS) if _named(item, place.text())]
    return keys + [
        key for item in aliases for key in stack.targets(item.at("targetKeyId"), KMS_KEY)
    ]


def _named(alias: Properties, name: str) -> bool:
    own = alias.at("name")
    return own.known and own.value is not None and name.endswith(own.text())


def key_admits_cloudwatch(key: Properties, stack: Stack) -> bool:
    holders = [key, *stack.referrers(key, "keyId", KMS_KEY_POLICY)]
    found = [item for holder in holders for item in statements(holder, "policy")]
    return all(any_holds(found, partial(_admits, act)) for act in _NEEDED)


def _admits(action: str, statement: Statement) -> bool:
    if not statement.allows:
        return False
    if not any(name in (_CLOUDWATCH, "*") for _, name in statement.principals):
        return False
    return statement.covers(action)
