"""The foundation: what stands before the first service, and outlives each."""

from collections import ChainMap
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import pulumi
from pulumi_aws import ecr, iam

from turnout.config.foundation import FoundationConfig
from turnout.foundation.boundary import BoundaryArgs, boundary
from turnout.foundation.github import (
    AUDIENCE,
    ISSUER,
    branch_subject,
    environment_subject,
    pull_request_subject,
    trust_github,
)
from turnout.foundation.looking import look
from turnout.foundation.model_bucket import ModelBucket, ModelBucketArgs
from turnout.foundation.named import change_surroundings, change_tiers
from turnout.foundation.publishing import keep_deployed, lambda_may_pull, publish
from turnout.foundation.reach import Reach
from turnout.foundation.state import StateArgs, read_every_state, write_state
from turnout.foundation.tagged import change_by_tag
from turnout.parts.account import Account, look_up_account
from turnout.parts.identity import Role, RoleArgs
from turnout.parts.registry import Registry, RegistryArgs
from turnout.parts.statements import Statement, document
from turnout.parts.tags import STACK

# Apart from the roles of services, which CI may change: never its own, never the boundary.
_PATH: Final = "/turnout-foundation/"


class Foundation(pulumi.ComponentResource):
    """Registry, model bucket, and the roles that GitHub Actions take on."""

    repository_url: pulumi.Output[str]
    model_bucket: pulumi.Output[str]
    boundary_arns: Mapping[str, pulumi.Output[str]]
    """By service: what `permissions_boundary` in its stack file must say for CI to deploy it."""
    publish_role_arn: pulumi.Output[str]
    preview_role_arn: pulumi.Output[str] | None
    deploy_role_arns: Mapping[str, pulumi.Output[str]]
    """By GitHub environment."""

    def __init__(
        self, name: str, config: FoundationConfig, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("turnout:index:Foundation", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        account = look_up_account(pulumi.InvokeOptions(parent=self))
        self._config = config
        self._tags = {
            **config.tags,
            "turnout:foundation": config.name,
            STACK: pulumi.get_stack(),
        }
        registry = self._registry(account)
        models = ModelBucket(
            f"{config.name}-models",
            ModelBucketArgs(
                noncurrent_days=config.models.noncurrent_days, keep=config.keep, tags=self._tags
            ),
            child,
        )
        self.repository_url = registry.url
        self.model_bucket = models.name
        self.boundary_arns = self._boundaries(account, models.arn)
        self._roles(account, registry.arn, models.arn)
        self.register_outputs(self.outputs())

    def outputs(self) -> dict[str, Any]:
        """What the stack exports."""
        return {
            "repositoryUrl": self.repository_url,
            "modelBucket": self.model_bucket,
            "permissionsBoundaries": self.boundary_arns,
            "publishRoleArn": self.publish_role_arn,
            "previewRoleArn": self.preview_role_arn,
            "deployRoleArns": self.deploy_role_arns,
        }

    def _registry(self, account: Account) -> Registry:
        name = self._config.name
        registry = Registry(
            name,
            RegistryArgs(keep=self._config.keep, tags=self._tags),
            pulumi.ResourceOptions(parent=self),
        )
        ecr.RepositoryPolicy(
            name,
            repository=registry.name,
            policy=lambda_may_pull(account.account_id, account.arn("lambda", "function:*")),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return registry

    def _boundaries(
        self, account: Account, bucket_arn: pulumi.Output[str]
    ) -> Mapping[str, pulumi.Output[str]]:
        others = [
            account.arn("s3", bucket, region=False, account=False)
            for bucket in self._config.models.buckets
        ]
        made = self._policies(
            {
                f"boundary-{service}": boundary(
                    BoundaryArgs(
                        service=service,
                        bucket_arns=[bucket_arn, *others],
                        secret_arns=self._config.secrets,
                        account=account,
                    )
                )
                for service in self._config.services
            }
        )
        return {service: made[f"boundary-{service}"].arn for service in self._config.services}

    def _roles(
        self,
        account: Account,
        repository_arn: pulumi.Output[str],
        bucket_arn: pulumi.Output[str],
    ) -> None:
        config, github = self._config, self._config.github
        provider = github.provider or self._github().arn
        reach = Reach(
            services=config.services,
            zones=config.zones,
            clusters=config.clusters,
            account=account,
        )
        state = (
            StateArgs(url=config.state.url, kms_key=config.state.kms_key, account=account)
            if config.state
            else None
        )
        looks = self._policies({"look": look(reach)})
        # Two for each service: a policy holds 6,144 characters.
        makes = {
            service: self._policies(
                {
                    f"make-{service}-tiers": change_tiers(only),
                    f"make-{service}-surroundings": change_surroundings(
                        only, self.boundary_arns[service]
                    ),
                }
            )
            for service in config.services
            for only in [replace(reach, services=[service])]
        }
        pushes = [branch_subject(github.repository, branch) for branch in github.branches]
        self.publish_role_arn = self._role(
            "publish", provider, pushes, publish(repository_arn, bucket_arn), {}
        )
        # The scheduled look for drift runs on a branch, and reads what a preview reads.
        asks = [*pushes, pull_request_subject(github.repository)]
        reads = read_every_state(state) if state else []
        self.preview_role_arn = (
            self._role("preview", provider, asks, reads, looks) if github.previews else None
        )

        def deploy(environment: str) -> pulumi.Output[str]:
            deployed = config.deployed_by(environment)
            # The stack has the environment's name.
            writes = write_state(state, pulumi.get_project(), environment) if state else []
            return self._role(
                f"deploy-{environment}",
                provider,
                [environment_subject(github.repository, environment)],
                [
                    *writes,
                    *keep_deployed(repository_arn),
                    *change_by_tag(replace(reach, services=deployed)),
                ],
                {**looks, **ChainMap(*(makes[service] for service in deployed))},
            )

        self.deploy_role_arns = {
            environment: deploy(environment) for environment in github.environments
        }

    def _policies(self, told: Mapping[str, Sequence[Statement]]) -> dict[str, iam.Policy]:
        return {
            what: iam.Policy(
                f"{self._config.name}-{what}",
                path=_PATH,
                policy=document(statements),
                tags=self._tags,
                opts=pulumi.ResourceOptions(parent=self),
            )
            for what, statements in told.items()
        }

    def _role(
        self,
        what: str,
        provider_arn: pulumi.Input[str],
        subjects: Sequence[str],
        statements: Sequence[Statement],
        policies: Mapping[str, iam.Policy],
    ) -> pulumi.Output[str]:
        """A role for GitHub Actions; `policies` are what it shares with other roles."""
        name = f"{self._config.name}-{what}"
        child = pulumi.ResourceOptions(parent=self)
        role = Role(
            name,
            RoleArgs(
                description=f"GitHub Actions of {self._config.github.repository}: {what}",
                trust=trust_github(provider_arn, subjects),
                statements=statements,
                tags=self._tags,
                path=_PATH,
            ),
            child,
        )
        for shared, policy in policies.items():
            iam.RolePolicyAttachment(
                f"{name}-{shared}", role=role.name, policy_arn=policy.arn, opts=child
            )
        return role.arn

    def _github(self) -> iam.OpenIdConnectProvider:
        # No thumbprints: AWS knows the issuer's certificate authority by itself.
        return iam.OpenIdConnectProvider(
            f"{self._config.name}-github",
            url=ISSUER,
            client_id_lists=[AUDIENCE],
            tags=self._tags,
            opts=pulumi.ResourceOptions(parent=self, protect=self._config.keep),
        )
