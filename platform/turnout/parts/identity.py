"""A role for one AWS service, with the statements that it is given and nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws import iam

from turnout import naming
from turnout.parts.statements import Statement, document


@dataclass(frozen=True, kw_only=True)
class RoleArgs:
    """`trust` is a trust policy as JSON (`statements.trust`); `path` is IAM's, `/…/`."""

    description: str
    trust: pulumi.Input[str]
    statements: Sequence[Statement]
    """May be empty: a role that may do nothing yet."""
    tags: Mapping[str, str]
    path: str = "/"


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
            path=args.path,
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


def bounded_by(boundary_arn: str) -> pulumi.ResourceTransformation:
    """Puts every role below the resource that it is given to under a permissions boundary."""

    def bound(
        args: pulumi.ResourceTransformationArgs,
    ) -> pulumi.ResourceTransformationResult | None:
        if args.type_ != "aws:iam/role:Role":
            return None
        props = {**args.props, "permissions_boundary": boundary_arn}
        return pulumi.ResourceTransformationResult(props=props, opts=args.opts)

    return bound
