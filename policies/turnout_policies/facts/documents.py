"""IAM policy documents: given as JSON text or as a map, in AWS's or in Pulumi's spelling."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from turnout_policies.facts.addresses import is_internet
from turnout_policies.properties import Properties
from turnout_policies.rule import any_holds

_WHOLE_SERVICE = re.compile(r"\*+|(\*+|[a-z0-9-]+):\*+")
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
# Condition keys of how a request is made; they narrow neither who nor what.
_SAYS_HOW = frozenset(
    {
        "aws:currenttime",
        "aws:multifactorauthage",
        "aws:multifactorauthpresent",
        "aws:securetransport",
        "aws:useragent",
    }
)
# Reads of contents, unlike reads of settings, name what they read.
_CONTENTS = re.compile(
    r"(s3:getobject|secretsmanager:getsecretvalue|ssm:getparameter|dynamodb:(get|query)|"
    r"kms:|lambda:getfunction$|ecr:getdownloadurlforlayer|logs:getlogevents|sqs:)"
)
# One of each, to tell what a family such as `s3:Get*` holds.
_READS_OF_CONTENTS = (
    "s3:getobject",
    "secretsmanager:getsecretvalue",
    "ssm:getparameter",
    "dynamodb:getitem",
    "lambda:getfunction",
    "ecr:getdownloadurlforlayer",
    "logs:getlogevents",
)
# Operators that also hold for whoever is not named, or where the key is not there at all.
_NAMES_NOBODY = re.compile(r"forallvalues:.*|.*ifexists|(foranyvalue:)?(string|arn)?not.*|null")


@dataclass(frozen=True, slots=True)
class Condition:
    """One test of a statement: operator and key in lower case, and the values that pass."""

    operator: str
    key: str
    values: tuple[Properties, ...]

    def names(self, is_open: Callable[[str], bool]) -> bool:
        """Whether it holds for named values only, none of them open."""
        if _NAMES_NOBODY.fullmatch(self.operator):
            return False
        # What another resource gives out is a name, whatever it turns out to be.
        known = [item for item in self.values if item.known or not item.referred_urns()]
        return not any(is_open(item.text()) for item in known)

    def says_who(self) -> bool:
        """Whether it says who is meant, or from where."""
        return self.key in _SAYS_WHO and self.names(_is_anybody)


def _is_anybody(value: str) -> bool:
    """Whether a condition's value is a pattern for everybody: `*`, any account, the internet."""
    account, _, resource = value.split(":", 4)[-1].partition(":")
    any_arn = value.startswith("arn:") and account == "*" and set(resource) <= {"*"}
    return (value != "" and set(value) <= {"*", "?"}) or any_arn or is_internet(value)


def _matches(action: str, patterns: list[str]) -> bool:
    return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in patterns)


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
        return _texts(self.block, "Action", "action", "actions")

    @property
    def not_actions(self) -> list[str]:
        return _texts(self.block, "NotAction", "notActions")

    @property
    def rights(self) -> str:
        """Its actions in words."""
        if self.not_actions:
            return f"all but {', '.join(self.not_actions)}"
        return ", ".join(self.actions)

    def covers(self, action: str) -> bool:
        """Whether an action is among its actions, which IAM reads in any case."""
        if self.not_actions:
            return not _matches(action, self.not_actions)
        return _matches(action, self.actions)

    @property
    def resources(self) -> list[str]:
        return _texts(self.block, "Resource", "resource", "resources")

    @property
    def not_resources(self) -> list[str]:
        return _texts(self.block, "NotResource", "notResources")

    @property
    def for_every_resource(self) -> bool:
        """Whether it is for all resources of a service or of AWS, or for all but a few."""
        return bool(self.not_resources) or any(
            item == "*" or _EVERY_RESOURCE.fullmatch(item) for item in self.resources
        )

    @property
    def conditional(self) -> bool:
        """Whether a condition narrows who or what the statement is for."""
        return bool(self.condition_keys - _SAYS_HOW)

    @property
    def condition_keys(self) -> set[str]:
        """The keys that its conditions test, in lower case."""
        return {condition.key for condition in self.conditions}

    @property
    def conditions(self) -> Iterator[Condition]:
        for operator, tests in _first(self.block, "Condition", "condition").entries():
            for key, values in tests.entries():
                found = values.each() if values.known else [values]
                yield Condition(operator.lower(), key.lower(), tuple(found))
        for block in self.block.each("conditions"):
            operator, key = block.text("test").lower(), block.text("variable").lower()
            yield Condition(operator, key, tuple(block.each("values")))

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
    def principal_kinds(self) -> set[str]:
        """Kinds of its principals (`AWS`, `Service`, `Federated`), whoever they are."""
        found = _first(self.block, "Principal", "principal")
        named = {item.text("type") for item in self.block.each("principals")}
        return named | {kind for kind, _ in found.entries()}

    @property
    def for_everybody(self) -> bool:
        """Whether it allows something to everybody, and no condition says whom it means."""
        if not self.allows:
            return False
        # Everybody but one is everybody.
        excepted = _first(self.block, "NotPrincipal", "notPrincipals")
        everybody = (not excepted.known or excepted.value is not None) or any(
            name == "*" and kind in ("*", "AWS") for kind, name in self.principals
        )
        return everybody and not any_holds(self.conditions, Condition.says_who)


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
    return [action for action in statement.actions if _WHOLE_SERVICE.fullmatch(action.lower())]


def needs_resource(action: str) -> bool:
    """Whether an action can be, and should be, allowed on named resources only."""
    name = action.lower()
    if _CONTENTS.match(name) or any(fnmatchcase(read, name) for read in _READS_OF_CONTENTS):
        return True
    return not any(pattern.fullmatch(name) for pattern in _WITHOUT_RESOURCE)
