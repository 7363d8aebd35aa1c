"""IAM roles and policies, KMS keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.engine.standin.aws.support import by, document, policy_problems, refuse, uuid
from tests.engine.standin.cloud import ACCOUNT, Cloud, Record
from tests.engine.standin.kinds import Autoname, Call, Inputs, Kind
from tests.engine.standin.shapes import Problem

ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
POLICY = "aws:iam/policy:Policy"
PROFILE = "aws:iam/instanceProfile:InstanceProfile"
WEB_IDENTITY = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"
KEY = "aws:kms/key:Key"
ALIAS = "aws:kms/alias:Alias"


def _check_role(inputs: Inputs) -> Iterator[Problem]:
    trust = document(inputs.get("assumeRolePolicy"))
    if trust and any("Resource" in statement for statement in _statements(trust)):
        yield Problem("assumeRolePolicy", "MalformedPolicyDocument: a trust policy has no Resource")
    yield from policy_problems(inputs, "assumeRolePolicy", principal=True)


def _statements(policy: Any) -> list[Any]:
    found = policy.get("Statement", [])
    return found if isinstance(found, list) else [found]


def trusts(cloud: Cloud, role_arn: str, service: str) -> bool:
    """Whether a role of this account lets a service assume it; other accounts' are taken to."""
    role = cloud.find(ROLE, None, arn=role_arn)
    return role is None or service in str(document(role.inputs["assumeRolePolicy"]))


def need_trust(inputs: Inputs, path: str, service: str, call: Call) -> None:
    arn = inputs.get(path)
    if arn and not trusts(call.cloud, arn, service):
        refuse(f"InvalidParameterValue: the role {arn} cannot be assumed by {service}")


def _role_outputs(inputs: Inputs, call: Call, identity: str) -> dict[str, Any]:
    path = inputs.get("path", "/")
    return {
        "arn": call.arn("iam", f"role{path}{identity}", regional=False),
        "uniqueId": f"AROA{call.cloud.next_hex(16).upper()}",
        "createDate": "2026-01-01T00:00:00Z",
    }


def _check_policy(inputs: Inputs) -> Iterator[Problem]:
    yield from policy_problems(inputs, "policy", principal=False)


def _policy_arn(inputs: Inputs, call: Call) -> str:
    return call.arn("iam", f"policy{inputs.get('path', '/')}{inputs['name']}", regional=False)


def _admit_attachment(inputs: Inputs, call: Call, _own: Record | None) -> None:
    arn = inputs["policyArn"]
    if not arn.startswith("arn:aws:iam::aws:policy/") and not call.cloud.has_arn(arn):
        refuse(f"NoSuchEntity: policy {arn} does not exist")


def _web_identity_arn(inputs: Inputs, call: Call) -> str:
    host = inputs["url"].removeprefix("https://")
    return call.arn("iam", f"oidc-provider/{host}", regional=False)


def _check_key(inputs: Inputs) -> Iterator[Problem]:
    policy = document(inputs.get("policy"))
    if policy is None:
        return
    yield from policy_problems(inputs, "policy", principal=True)
    root = f":{ACCOUNT}:root"
    if not any(root in str(s.get("Principal")) and "kms:" in str(s.get("Action"))
               for s in _statements(policy)):  # fmt: skip
        yield Problem("policy", "MalformedPolicyDocument: the new key policy will not allow you to "
                      "update the key policy in the future")  # fmt: skip


def _key_outputs(_inputs: Inputs, call: Call, identity: str) -> dict[str, Any]:
    return {"arn": call.arn("kms", f"key/{identity}"), "keyId": identity}


def _profile_outputs(inputs: Inputs, call: Call, identity: str) -> dict[str, Any]:
    path = inputs.get("path", "/")
    return {
        "arn": call.arn("iam", f"instance-profile{path}{identity}", regional=False),
        "uniqueId": f"AIPA{call.cloud.next_hex(16).upper()}",
        "createDate": "2026-01-01T00:00:00Z",
    }


KINDS = (
    Kind(ROLE, by("name"), _role_outputs, _check_role, autoname=Autoname(longest=64),
         unique=("name",), held_by=(ROLE_POLICY, ATTACHMENT, PROFILE), regional=False),
    Kind(ROLE_POLICY, by("role", "name", separator=":"), check=_check_policy,
         autoname=Autoname(), names={"role": ROLE}, regional=False),
    Kind(ATTACHMENT, by("role", "policyArn"), admit=_admit_attachment, names={"role": ROLE},
         delete_first=True, regional=False),
    Kind(POLICY, _policy_arn, lambda _i, call, arn: {"arn": arn,
         "policyId": f"ANPA{call.cloud.next_hex(16).upper()}"}, _check_policy,
         autoname=Autoname(), unique=("name",), held_by=(ATTACHMENT,), regional=False),
    Kind(PROFILE, by("name"), _profile_outputs, autoname=Autoname(), unique=("name",),
         names={"role": ROLE}, held_by=("aws:ec2/launchTemplate:LaunchTemplate",),
         regional=False),
    Kind(WEB_IDENTITY, _web_identity_arn, lambda _i, _c, arn: {"arn": arn}, unique=("url",),
         regional=False),
    Kind(KEY, lambda _inputs, call: uuid(call), _key_outputs, _check_key),
    Kind(ALIAS, by("name"), lambda inputs, call, name: {"arn": call.arn("kms", name),
         "targetKeyArn": call.arn("kms", f"key/{inputs['targetKeyId'].rpartition('/')[2]}")},
         autoname=Autoname(longest=238, prefix="alias/"), unique=("name",)),
)  # fmt: skip
