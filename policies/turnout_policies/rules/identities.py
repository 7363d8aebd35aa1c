"""IAM roles, policies and keys."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from turnout_policies.facts.documents import (
    Condition,
    Statement,
    needs_resource,
    statements,
    whole_services,
)
from turnout_policies.facts.tokens import IAM_ACCESS_KEY, IAM_ROLE
from turnout_policies.properties import NotKnownYet, Properties
from turnout_policies.resources import canonical_type
from turnout_policies.rule import (
    Context,
    Finding,
    NotKnown,
    Outcomes,
    Rule,
    Severity,
    any_holds,
    each,
)

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
_EXCLUSIVE_ATTACHMENTS = (
    "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive",
    "aws:iam/userPolicyAttachmentsExclusive:UserPolicyAttachmentsExclusive",
    "aws:iam/groupPolicyAttachmentsExclusive:GroupPolicyAttachmentsExclusive",
)
_WITH_STATEMENTS = (*_POLICIES, IAM_ROLE)
# Providers of which each customer has an audience of its own ("Configuring a role for OIDC" of
# the IAM user guide; Pulumi's guide to OIDC with AWS): it says as much as the subject.
_OWN_AUDIENCES = (
    "cognito-identity.amazonaws.com:aud",
    "accounts.google.com:aud",
    "www.amazon.com:app_id",
    "graph.facebook.com:app_id",
    "api.pulumi.com/oidc:aud",
)
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
            excepted = ", ".join(statement.not_resources)
            where = f"all but {excepted} (NotResource)" if excepted else "every resource"
            yield Finding(f"allows {', '.join(found)} on {where}", statement.place)

    yield from _each_statement(holder, check)


def _trust_not_open(role: Properties, _: Context) -> Outcomes:
    for statement in statements(role, "assumeRolePolicy"):
        if statement.for_everybody:
            yield Finding("everybody in every account may take it on", "assumeRolePolicy")


def _web_identity_narrowed(role: Properties, _: Context) -> Outcomes:
    for statement in statements(role, "assumeRolePolicy"):
        trusted = statement.allows and "Federated" in statement.principal_kinds
        if not trusted or not statement.covers("sts:AssumeRoleWithWebIdentity"):
            continue
        asked = [item for item in statement.conditions if _is_of_subject(item)]
        if not asked:
            yield Finding(
                "every identity of the provider may take it on: no condition on its subject",
                "assumeRolePolicy",
            )
        elif not any_holds(asked, lambda item: item.names(_is_any_subject)):
            yield Finding(
                "identities of other owners may take it on: its condition on "
                f"{asked[0].key} names nobody",
                "assumeRolePolicy",
            )


def _is_of_subject(condition: Condition) -> bool:
    return condition.key.endswith((":sub", ":repository")) or condition.key in _OWN_AUDIENCES


def _is_any_subject(value: str) -> bool:
    """Whether a pattern of subjects leaves open who owns the repository."""
    if set(value) <= {"*", "?"}:
        return True
    kind, _, rest = value.partition(":")
    return kind in ("repo", "project_path") and "*" in rest.partition("/")[0]


def _no_admin_policies(holder: Properties, _: Context) -> Outcomes:
    def check(place: Properties) -> Outcomes:
        match = _ADMIN.search(place.text())
        if match:
            yield Finding(f"{match[1]} is attached", place.place)

    yield from each(_attached(holder), check)


def _attached(holder: Properties) -> list[Properties]:
    """The ARNs of the managed policies that a role or an attachment names."""
    match canonical_type(holder.resource.type):
        case t if t == IAM_ROLE:
            return holder.each("managedPolicyArns")
        case t if t in _EXCLUSIVE_ATTACHMENTS:
            return holder.each("policyArns")
        case _:
            return [holder.at("policyArn")]


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
        types=(*_ATTACHMENTS, *_EXCLUSIVE_ATTACHMENTS, IAM_ROLE),
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
