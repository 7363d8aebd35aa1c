"""WAFv2: web ACLs, what they guard, where they log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests.engine.standin.aws.support import by, entries, exactly_one, known, refuse, uuid
from tests.engine.standin.cloud import Record
from tests.engine.standin.kinds import Autoname, Call, Inputs, Kind
from tests.engine.standin.shapes import Problem

ACL = "aws:wafv2/webAcl:WebAcl"
ASSOCIATION = "aws:wafv2/webAclAssociation:WebAclAssociation"
LOGGING = "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration"
# https://docs.aws.amazon.com/waf/latest/developerguide/waf-rule-statement-type-rate-based-high-level-settings.html
LOWEST_RATE, HIGHEST_RATE = 10, 2_000_000_000
_WINDOWS_SECONDS = (60, 120, 300, 600)
_MANAGED = {
    "AWSManagedRulesCommonRuleSet", "AWSManagedRulesKnownBadInputsRuleSet",
    "AWSManagedRulesSQLiRuleSet", "AWSManagedRulesAmazonIpReputationList",
    "AWSManagedRulesAnonymousIpList", "AWSManagedRulesAdminProtectionRuleSet",
    "AWSManagedRulesLinuxRuleSet", "AWSManagedRulesUnixRuleSet",
    "AWSManagedRulesBotControlRuleSet", "AWSManagedRulesAntiDDoSRuleSet",
}  # fmt: skip
_GROUP_STATEMENTS = ("managedRuleGroupStatement", "ruleGroupReferenceStatement")


def _check_acl(inputs: Inputs) -> Iterator[Problem]:
    yield from exactly_one(inputs.get("defaultAction") or {}, "allow", "block")
    rules = entries(inputs.get("rules"))
    for name in ("priority", "name"):
        counted = Counter(rule.get(name) for rule in rules)
        if twice := [value for value, count in counted.items() if count > 1]:
            yield Problem("rules", f"WAFDuplicateItemException: {name} {twice} is given twice")
    for index, rule in enumerate(rules):
        yield from _rule_problems(rule, f"rules[{index}]")


def _rule_problems(rule: Inputs, path: str) -> Iterator[Problem]:
    statement = rule.get("statement") or {}
    if len(statement) != 1:
        yield Problem(f"{path}.statement", f"a rule has one statement, got {sorted(statement)}")
        return
    kind, body = next(iter(statement.items()))
    wants, other = ("action", "overrideAction")
    if kind in _GROUP_STATEMENTS:
        wants, other = other, wants
    if rule.get(wants) is None or rule.get(other) is not None:
        yield Problem(path, f"{kind} takes {wants}, not {other}")
    elif len(rule[wants]) != 1:
        yield Problem(f"{path}.{wants}", f"one choice, got {sorted(rule[wants])}")
    if kind == "rateBasedStatement":
        yield from _rate_problems(body, f"{path}.statement.{kind}")
    if kind == "managedRuleGroupStatement" and body.get("vendorName") == "AWS":
        yield from _managed_problems(body, path)
    yield from _inspection_problems(body, f"{path}.statement.{kind}")


def _managed_problems(body: Inputs, path: str) -> Iterator[Problem]:
    name = body.get("name")
    if name not in _MANAGED:
        yield Problem(path, f"WAFNonexistentItemException: no rule group {name!r}")


def _rate_problems(body: Inputs, path: str) -> Iterator[Problem]:
    limit, window = body.get("limit"), body.get("evaluationWindowSec", 300)
    if known(limit) and not LOWEST_RATE <= limit <= HIGHEST_RATE:
        yield Problem(f"{path}.limit", f"{limit} is not in {LOWEST_RATE} to {HIGHEST_RATE}")
    if window not in _WINDOWS_SECONDS:
        yield Problem(f"{path}.evaluationWindowSec", f"{window} is not of {_WINDOWS_SECONDS}")


def _inspection_problems(body: Any, path: str) -> Iterator[Problem]:
    """Each fieldToMatch names one part of the request, each match one transformation or more."""
    if isinstance(body, list):
        for index, item in enumerate(body):
            yield from _inspection_problems(item, f"{path}[{index}]")
        return
    if not isinstance(body, dict):
        return
    part = body.get("fieldToMatch")
    if part is not None:
        if len(part) != 1:
            yield Problem(f"{path}.fieldToMatch", f"one part of the request, got {sorted(part)}")
        if not body.get("textTransformations"):
            yield Problem(path, "a match needs a text transformation")
    for key, value in body.items():
        yield from _inspection_problems(value, f"{path}.{key}")


def _acl_outputs(inputs: Inputs, call: Call, identity: str) -> dict[str, Any]:
    rules = len(entries(inputs.get("rules")))
    return {
        "arn": call.arn("wafv2", f"regional/webacl/{inputs['name']}/{identity}"),
        "capacity": 50 * rules,
        "lockToken": uuid(call),
    }


def _admit_association(inputs: Inputs, call: Call, own: Record | None) -> None:
    twin = call.cloud.find(ASSOCIATION, call.region, resourceArn=inputs["resourceArn"])
    if twin is not None and twin is not own:
        refuse(f"WAFAssociatedItemException: {inputs['resourceArn']} has a web ACL")


def _check_logging(inputs: Inputs) -> Iterator[Problem]:
    for arn in entries(inputs.get("logDestinationConfigs")):
        name = arn.split(":::")[-1] if ":::" in arn else arn.split(":log-group:")[-1].split("/")[-1]
        if not name.startswith("aws-waf-logs-"):
            yield Problem("logDestinationConfigs", f"{name!r} must start with aws-waf-logs-")


KINDS = (
    Kind(ACL, lambda _inputs, call: uuid(call), _acl_outputs, _check_acl,
         autoname=Autoname(longest=128), unique=("name",), held_by=(ASSOCIATION,)),
    Kind(ASSOCIATION, by("webAclArn", "resourceArn", separator=","), admit=_admit_association),
    Kind(LOGGING, by("resourceArn"), check=_check_logging, unique=("resourceArn",)),
)  # fmt: skip
