"""IAM roles, policies and keys."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from turnout_policies.facts.documents import (
    Statement,
    needs_resource,
    statements,
    whole_services,
)
from turnout_policies.facts.tokens import IAM_ACCESS_KEY, IAM_ROLE
from turnout_policies.properties import NotKnownYet, Properties
from turnout_policies.resources import canonical_type
from turnout_policies.rule import Context, Finding, NotKnown, Outcomes, Rule, Severity, each

_POLICIES = (
    "aws:iam/policy:Policy",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:iam/userPolicy:UserPolicy",
    "aws:iam/groupPolicy:GroupPolicy",
)
_ATTACHMENTS = (
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "aws:iam/userPolicyAttachment:UserPolicyAttachment",
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment",
    "aws:iam/policyAttachment:PolicyAttachment",
)
_WITH_STATEMENTS = (*_POLICIES, IAM_ROLE)
_ADMIN = re.compile(
    r"^arn:[^:]+:iam::aws:policy/(?:[a-z-]+/)?"
    r"(AdministratorAccess|PowerUserAccess|SystemAdministrator|\w*FullAccess)$"
)


def _each_statement(
    holder: Properties, check: Callable[[Statement], Iterator[Finding]]
) -> Outcomes:
    """Check the statements of a policy, or of a role's inline policies."""
    documents = (
        [(policy, "policy") for policy in holder.each("inlinePolicies")]
        if canonical_type(holder.resource.type) == IAM_ROLE
        else [(holder, "policy")]
    )
    for document, key in documents:
        try:
            for statement in statements(document, key):
                yield from check(statement)
        except NotKnownYet as missing:
            yield NotKnown(str(missing))


def _no_whole_services(holder: Properties, _: Context) -> Outcomes:
    def check(statement: Statement) -> Iterator[Finding]:
        if not statement.allows:
            return
        found = whole_services(statement)
        if found:
            yield Finding(f"allows {', '.join(found)}", statement.place)
        elif statement.not_actions:
            yield Finding(
                f"allows all but {', '.join(statement.not_actions)} (NotAction)", statement.place
            )

    yield from _each_statement(holder, check)


def _named_resources(holder: Properties, _: Context) -> Outcomes:
    def check(statement: Statement) -> Iterator[Finding]:
        if not statement.allows or not statement.for_every_resource or statement.conditional:
            return
        if whole_services(statement):
            return  # one mistake, one message
        found = [action for action in statement.actions if needs_resource(action)]
        if found:
            yield Finding(f"allows {', '.join(found)} on every resource", statement.place)

    yield from _each_statement(holder, check)


def _trust_not_open(role: Properties, _: Context) -> Outcomes:
    for statement in statements(role, "assumeRolePolicy"):
        if statement.for_everybody:
            yield Finding("everybody in every account may take it on", "assumeRolePolicy")


def _web_identity_narrowed(role: Properties, _: Context) -> Outcomes:
    for statement in statements(role, "assumeRolePolicy"):
        if not statement.allows or "sts:assumerolewithwebidentity" not in statement.actions:
            continue
        if not any(key.endswith((":sub", ":repository")) for key in statement.condition_keys):
            yield Finding(
                "every identity of the provider may take it on: no condition on its subject",
                "assumeRolePolicy",
            )


def _no_admin_policies(holder: Properties, _: Context) -> Outcomes:
    places = (
        holder.each("managedPolicyArns")
        if canonical_type(holder.resource.type) == IAM_ROLE
        else [holder.at("policyArn")]
    )

    def check(place: Properties) -> Outcomes:
        match = _ADMIN.search(place.text())
        if match:
            yield Finding(f"{match[1]} is attached", place.place)

    yield from each(places, check)


def _no_access_keys(key: Properties, _: Context) -> Outcomes:
    if key.text("status") != "Inactive":
        yield Finding("a key that never expires, in the stack's state")


RULES = (
    Rule(
        id="iam-no-whole-services",
        title="No policy allows all of a service, or all of AWS",
        why="With `service:*` every feature that AWS adds is allowed on the day that it appears.",
        concern="security",
        severity=Severity.HIGH,
        types=_WITH_STATEMENTS,
        check=_no_whole_services,
        elsewhere=("FSBP IAM.1", "FSBP IAM.21", "cdk-nag IAM5"),
        remediation='"Action": ["s3:GetObject", "s3:ListBucket"]',
    ),
    Rule(
        id="iam-named-resources",
        title="Rights are for named resources",
        why="A role that may read every bucket leaks every bucket.",
        concern="security",
        severity=Severity.MEDIUM,
        types=_WITH_STATEMENTS,
        check=_named_resources,
        elsewhere=("cdk-nag IAM5",),
        remediation='"Resource": bucket.arn.apply(lambda arn: f"{arn}/models/*")',
    ),
    Rule(
        id="iam-trust-not-open",
        title="A role says who may take it on",
        why="A role that trusts everybody is an open door into the account.",
        concern="security",
        severity=Severity.CRITICAL,
        types=(IAM_ROLE,),
        check=_trust_not_open,
        elsewhere=("FSBP IAM.1",),
        remediation='"Principal": {"Service": "ecs-tasks.amazonaws.com"}',
    ),
    Rule(
        id="iam-web-identity-narrowed",
        title="A role for web identities names the subject",
        why="Without it every repository of the world that uses the same provider is trusted.",
        concern="security",
        severity=Severity.CRITICAL,
        types=(IAM_ROLE,),
        check=_web_identity_narrowed,
        remediation='"Condition": {"StringLike": {"token.actions.githubusercontent.com:sub": '
        '"repo:owner/name:ref:refs/heads/main"}}',
    ),
    Rule(
        id="iam-no-admin-policies",
        title="No AWS-managed admin policy is attached",
        why="A full-access policy is written for whoever is in a hurry, not for a service.",
        concern="security",
        severity=Severity.HIGH,
        types=(*_ATTACHMENTS, IAM_ROLE),
        check=_no_admin_policies,
        elsewhere=("FSBP IAM.1", "cdk-nag IAM4"),
        remediation="aws.iam.RolePolicy(...)  # with the few actions that are needed",
    ),
    Rule(
        id="iam-no-access-keys",
        title="The stack makes no access keys",
        why="Keys that never expire are copied into places that nobody remembers.",
        concern="security",
        severity=Severity.HIGH,
        types=(IAM_ACCESS_KEY,),
        check=_no_access_keys,
        elsewhere=("FSBP IAM.3",),
        remediation="aws.iam.Role(...)  # taken on through OIDC or an instance profile",
    ),
)
