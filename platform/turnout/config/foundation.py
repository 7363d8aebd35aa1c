"""What can be said under `turnout:foundation`. Imports nothing of Pulumi."""

from collections.abc import Iterator
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, field_validator, model_validator

from turnout.config.load import parse
from turnout.config.scalars import (
    BucketName,
    ClusterName,
    Distinct,
    GitHubBranch,
    GitHubEnvironment,
    GitHubRepository,
    HostedZoneId,
    KeyArn,
    OidcProviderArn,
    Part,
    SecretArn,
    ServiceName,
    StateUrl,
    TagKey,
    TagValue,
    wrong,
)

ROOT: Final = "turnout:foundation"
# IAM, quotas: a policy holds 6,144 characters, which is so many services for what reads, and so
# many buckets and secrets for what bounds a service's roles.
MOST_SERVICES: Final = 8
MOST_SHARED: Final = 5
# Ten policies are attached to a role: one is for all services, two for each.
MOST_DEPLOYED: Final = 4

Services = Distinct[ServiceName]


def _list_as_mapping(value: object) -> object:
    """`[a, b]` as `{a: [], b: []}`, where no name stands twice."""
    if not isinstance(value, list | tuple):
        return value
    twice = sorted({str(name) for name in value if value.count(name) > 1})
    if twice:
        raise wrong(f"lists {', '.join(twice)} twice")
    return dict.fromkeys(value, ())


Environments = Annotated[
    dict[GitHubEnvironment, Services],
    BeforeValidator(
        _list_as_mapping,
        json_schema_input_type=list[GitHubEnvironment] | dict[GitHubEnvironment, Services],
    ),
]


class GitHub(Part):
    """The repository whose workflows may take on roles, and on which occasion each."""

    repository: GitHubRepository = Field(description="<owner>/<name>, as GitHub spells it.")
    branches: Annotated[Distinct[GitHubBranch], Field(min_length=1)] = Field(
        default=("main",), description="Branches whose pushes may publish images and models."
    )
    environments: Environments = Field(
        default_factory=dict,
        description="GitHub environments that may deploy, each the stack of its name, and the "
        "services that it deploys; a list of environments, or none of services, means all. Each "
        "gets a role, and GitHub's own rules of the environment say who approves.",
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

    @property
    def bucket(self) -> str:
        """The bucket's name alone."""
        return str(self.url).removeprefix("s3://").partition("/")[0]


class Models(Part):
    """The bucket of models."""

    noncurrent_days: Annotated[int, Field(ge=1, le=3650)] = Field(
        default=90, description="Days that an overwritten or deleted object can still be had."
    )
    buckets: Annotated[Distinct[BucketName], Field(max_length=MOST_SHARED)] = Field(
        default=(), description="Other buckets that services may read models from."
    )


class FoundationConfig(Part):
    """Registry, model bucket and CI roles of one team in one account and region."""

    name: ServiceName = Field(description="What repository, bucket and roles are named after.")
    services: Annotated[Distinct[ServiceName], Field(min_length=1, max_length=MOST_SERVICES)] = (
        Field(description="The services that CI deploys; what it may touch is named after them.")
    )
    github: GitHub
    state: State | None = Field(
        default=None, description="Without it, CI's roles reach no state in S3 (Pulumi Cloud)."
    )
    zones: Distinct[HostedZoneId] = Field(
        default=(), description="Route 53 zones in which CI may write a service's records."
    )
    clusters: Distinct[ClusterName] = Field(
        default=(), description="EKS clusters that exist and in which services run."
    )
    secrets: Annotated[Distinct[SecretArn], Field(max_length=MOST_SHARED)] = Field(
        default=(),
        description="Secrets that every service may read, beside its own, whose names begin with "
        "its own and a hyphen or a slash.",
    )
    models: Models = Field(default_factory=Models)
    keep: bool = Field(
        default=True, description="`pulumi destroy` refuses to take images and models along."
    )
    tags: dict[TagKey, TagValue] = Field(
        default_factory=dict, description="Tags for everything that takes tags."
    )

    def deployed_by(self, environment: str) -> tuple[str, ...]:
        """The services that the GitHub environment deploys."""
        return self.github.environments[environment] or self.services

    @field_validator("services")
    @classmethod
    def _apart_from_the_foundation(cls, value: tuple[str, ...], info: Any) -> tuple[str, ...]:
        name = str(info.data.get("name", ""))
        for service in value:
            if _begins(name, service):
                raise wrong(
                    f"{service} is how the foundation's own resources begin, and CI may change "
                    f"what begins with a service's name; rename the foundation {name}"
                )
        return value

    @model_validator(mode="after")
    def _apart_from_buckets(self) -> "FoundationConfig":
        for place, bucket in self._buckets():
            for service in self.services:
                if _begins(bucket, service):
                    raise wrong(
                        f"{place}: the bucket {bucket} begins with the service {service}, and CI "
                        "may change what begins with a service's name; rename one of them"
                    )
        return self

    @model_validator(mode="after")
    def _environments_apart(self) -> "FoundationConfig":
        for environment in self.github.environments:
            place = f"github.environments.{environment}"
            deployed = self.deployed_by(environment)
            if len(deployed) > MOST_DEPLOYED:
                raise wrong(
                    f"{place}: deploys {len(deployed)} services, and AWS lets a role change "
                    f"{MOST_DEPLOYED}; name those that this environment deploys, and make another "
                    "environment for the others"
                )
            for service in deployed:
                if service not in self.services:
                    raise wrong(
                        f"{place}: {service} is none of services; use {', '.join(self.services)}"
                    )
                for other in self.services:
                    if other not in deployed and _begins(other, service):
                        raise wrong(
                            f"{place}: whoever deploys {service} may change what begins with that "
                            f"name, {other} too, which this environment does not deploy; rename "
                            "one of them"
                        )
        return self

    def _buckets(self) -> Iterator[tuple[str, str]]:
        if self.state is not None:
            yield "state.url", self.state.bucket
        for number, bucket in enumerate(self.models.buckets):
            yield f"models.buckets[{number}]", bucket


def _begins(name: str, service: str) -> bool:
    """Whether `name` could be something of `service`: `<service>` or `<service>-…`."""
    return f"{name}-".startswith(f"{service}-")


def parse_foundation(data: object, root: str = ROOT) -> FoundationConfig:
    """The foundation that `data` describes. Raises ConfigError with every problem found."""
    return parse(FoundationConfig, data, root)
