"""A role for one AWS service, with the statements that it is given and nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws import iam

from turnout import naming
from turnout.parts.statements import Statement, document


@dataclass(frozen=True, kw_only=True)
class RoleArgs:
    """`trust` is a trust policy as JSON (`statements.trust`)."""

    description: str
    trust: pulumi.Input[str]
    statements: Sequence[Statement]
    """May be empty: a role that may do nothing yet."""
    tags: Mapping[str, str]


class Role(pulumi.ComponentResource):
    """One IAM role with one policy of its own."""

    arn: pulumi.Output[str]
    name: pulumi.Output[str]
    permissions: Sequence[pulumi.Resource]
    """The policy, for who must not start before it holds; empty without statements."""

    def __init__(
        self, name: str, args: RoleArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("turnout:parts:Role", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = iam.Role(
            naming.logical(name, naming.ROLE),
            description=args.description,
            assume_role_policy=args.trust,
            tags=args.tags,
            opts=child,
        )
        self.arn = role.arn
        self.name = role.name
        self.permissions = (
            [iam.RolePolicy(name, role=role.name, policy=document(args.statements), opts=child)]
            if args.statements
            else []
        )
        self.register_outputs({"arn": self.arn, "name": self.name})
