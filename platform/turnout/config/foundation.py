"""What can be said under `turnout:foundation`. Imports nothing of Pulumi."""

from typing import Annotated, Any, Final

from pydantic import Field, field_validator, model_validator

from turnout.config.load import parse
from turnout.config.scalars import (
    GitHubBranch,
    GitHubEnvironment,
    GitHubRepository,
    HostedZoneId,
    KeyArn,
    OidcProviderArn,
    Part,
    ServiceName,
    StateUrl,
    TagKey,
    TagValue,
    wrong,
)

ROOT: Final = "turnout:foundation"
# IAM, quotas: ten policies are attached to a role; two are for all services, one for each.
MOST_SERVICES: Final = 8


class GitHub(Part):
    """The repository whose workflows may take on roles, and on which occasion each."""

    repository: GitHubRepository = Field(description="<owner>/<name>, as GitHub spells it.")
    branches: Annotated[tuple[GitHubBranch, ...], Field(strict=False, min_length=1)] = Field(
        default=("main",), description="Branches whose pushes may publish images and models."
    )
    environments: Annotated[tuple[GitHubEnvironment, ...], Field(strict=False)] = Field(
        default=(),
        description="GitHub environments that may deploy; each gets a role, and GitHub's own "
        "rules of the environment say who approves.",
    )
    previews: bool = Field(
        default=True, description="Pull requests may read what `pulumi preview` reads."
    )
    provider: OidcProviderArn | None = Field(
        default=None,
        description="The account's provider for GitHub, where it has one: there can be one only.",
    )


class State(Part):
    """Where Pulumi keeps state, so that CI may read and write it."""

    url: StateUrl = Field(description="s3://<bucket>[/<prefix>], as PULUMI_BACKEND_URL has it.")
    kms_key: KeyArn | None = Field(
        default=None, description="The key of `secretsprovider: awskms://…`, if that is used."
    )


class Models(Part):
    """The bucket of models."""

    noncurrent_days: Annotated[int, Field(ge=1, le=3650)] = Field(
        default=90, description="Days that an overwritten or deleted object can still be had."
    )


class FoundationConfig(Part):
    """Registry, model bucket and CI roles of one team in one account and region."""

    name: ServiceName = Field(description="What repository, bucket and roles are named after.")
    services: Annotated[
        tuple[ServiceName, ...], Field(strict=False, min_length=1, max_length=MOST_SERVICES)
    ] = Field(description="The services that CI deploys; what it may touch is named after them.")
    github: GitHub
    state: State | None = Field(
        default=None, description="Without it, CI's roles reach no state in S3 (Pulumi Cloud)."
    )
    zones: Annotated[tuple[HostedZoneId, ...], Field(strict=False)] = Field(
        default=(), description="Route 53 zones in which CI may write a service's records."
    )
    models: Models = Field(default_factory=Models)
    keep: bool = Field(
        default=True, description="`pulumi destroy` refuses to take images and models along."
    )
    tags: dict[TagKey, TagValue] = Field(
        default_factory=dict, description="Tags for everything that takes tags."
    )

    @field_validator("services")
    @classmethod
    def _apart_from_the_foundation(cls, value: tuple[str, ...], info: Any) -> tuple[str, ...]:
        name = str(info.data.get("name", ""))
        for service in value:
            if f"{name}-".startswith(f"{service}-"):
                raise wrong(
                    f"{service} is how the foundation's own resources begin, and CI may change "
                    f"what begins with a service's name; rename the foundation {name}"
                )
        return value

    @model_validator(mode="after")
    def _environments_differ(self) -> "FoundationConfig":
        given = self.github.environments
        twice = sorted({name for name in given if given.count(name) > 1})
        if twice:
            raise wrong(f"github.environments lists {', '.join(twice)} twice")
        return self


def parse_foundation(data: object, root: str = ROOT) -> FoundationConfig:
    """The foundation that `data` describes. Raises ConfigError with every problem found."""
    return parse(FoundationConfig, data, root)
