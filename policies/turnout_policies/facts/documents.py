"""IAM policy documents: given as JSON text or as a map, in AWS's or in Pulumi's spelling."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from turnout_policies.properties import Properties

_ADMIN_OF_A_SERVICE = re.compile(r"[a-z0-9-]+:\*")
_EVERY_RESOURCE = re.compile(r"arn:[^:]*(:[^:]*){3}:\*")

# Actions that have no resource to name (Service Authorization Reference: an empty "Resource
# types" column), and reads whose resource nobody can name beforehand.
_WITHOUT_RESOURCE = (
    re.compile(r"[a-z0-9-]+:(describe|list|get|search|query)[a-z0-9*]*"),
    re.compile(r"ecr:getauthorizationtoken"),
    re.compile(r"cloudwatch:putmetricdata"),
    re.compile(r"xray:put(telemetryrecords|tracesegments)"),
    re.compile(r"ec2:(create|delete|assign|unassign)(networkinterface|privateipaddresses)"),
    re.compile(r"(ssmmessages|ec2messages):[a-z0-9*]+"),
    re.compile(r"ssm:updateinstanceinformation"),
    re.compile(r"logs:(create|update|delete)logdelivery"),
    re.compile(r"sts:getcalleridentity"),
    re.compile(r"(ce|comprehend|polly|pricing|rekognition|textract|translate):[a-z0-9*]+"),
)
# Condition keys that say who is meant, or from where; a condition on TLS does not.
_SAYS_WHO = frozenset(
    {
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceip",
        "aws:sourceorgid",
        "aws:sourceowner",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "kms:calleraccount",
        "s3:dataaccesspointaccount",
        "sts:externalid",
    }
)
# Reads of contents, unlike reads of settings, name what they read.
_CONTENTS = re.compile(
    r"(s3:getobject|secretsmanager:getsecretvalue|ssm:getparameter|dynamodb:(get|query)|"
    r"kms:|lambda:getfunction$|ecr:getdownloadurlforlayer|logs:getlogevents|sqs:)"
)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a policy document."""

    block: Properties

    @property
    def place(self) -> str:
        return self.block.place

    @property
    def allows(self) -> bool:
        return (_text(self.block, "Effect", "effect") or "Allow").lower() == "allow"

    @property
    def actions(self) -> list[str]:
        return [item.lower() for item in _texts(self.block, "Action", "action", "actions")]

    @property
    def not_actions(self) -> list[str]:
        return [item.lower() for item in _texts(self.block, "NotAction", "notActions")]

    @property
    def resources(self) -> list[str]:
        return _texts(self.block, "Resource", "resource", "resources")

    @property
    def for_every_resource(self) -> bool:
        """Whether it is for all resources of a service, or of AWS."""
        return any(item == "*" or _EVERY_RESOURCE.fullmatch(item) for item in self.resources)

    @property
    def conditional(self) -> bool:
        """Whether a condition narrows who or what the statement is for."""
        return bool(_first(self.block, "Condition", "condition", "conditions").value)

    @property
    def condition_keys(self) -> set[str]:
        """The keys that its conditions test, in lower case."""
        found = _first(self.block, "Condition", "condition")
        keys: set[str] = set()
        for _, tests in found.entries():
            keys.update(key.lower() for key, _ in tests.entries())
        for condition in self.block.each("conditions"):
            keys.add(condition.text("variable").lower())
        return keys - {""}

    @property
    def principals(self) -> list[tuple[str, str]]:
        """Kind and name of each principal; `("*", "*")` is everybody."""
        found = _first(self.block, "Principal", "principal", "principals")
        value = found.value
        if value == "*":
            return [("*", "*")]
        pairs = []
        if isinstance(value, list):
            for item in found.each():
                kind = item.text("type")
                pairs += [(kind, name.text()) for name in item.each("identifiers")]
        for kind, names in found.entries():
            pairs += [(kind, name.text()) for name in names.each()]
        return pairs

    @property
    def for_everybody(self) -> bool:
        """Whether it allows something to everybody, and no condition says whom it means."""
        everybody = any(name == "*" and kind in ("*", "AWS") for kind, name in self.principals)
        return self.allows and everybody and self.condition_keys.isdisjoint(_SAYS_WHO)


def _first(block: Properties, *keys: str) -> Properties:
    """The first of these keys that is there; policy documents have three spellings."""
    for key in keys:
        found = block.at(key)
        if not found.known or found.value is not None:
            return found
    return block.at(keys[0])


def _text(block: Properties, *keys: str) -> str:
    return _first(block, *keys).text()


def _texts(block: Properties, *keys: str) -> list[str]:
    return [item.text() for item in _first(block, *keys).each()]


def statements(holder: Properties, *keys: str) -> Iterator[Statement]:
    """The statements of the document at these keys, or of the holder itself."""
    document = holder.document(*keys)
    for key in ("Statement", "statement", "statements"):
        for block in document.each(key):
            yield Statement(block)


def whole_services(statement: Statement) -> list[str]:
    """The actions of a statement that are all of a service, or all of AWS."""
    return [
        action
        for action in statement.actions
        if action == "*" or action == "*:*" or _ADMIN_OF_A_SERVICE.fullmatch(action)
    ]


def needs_resource(action: str) -> bool:
    """Whether an action can be, and should be, allowed on named resources only."""
    if _CONTENTS.match(action):
        return True
    return not any(pattern.fullmatch(action) for pattern in _WITHOUT_RESOURCE)
