"""Everything that can be said under `turnout:service`, each part checked by itself."""

from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, field_validator

from turnout.config.scalars import (
    CallerCidr,
    CertificateArn,
    Distinct,
    ImageDigest,
    KeyArn,
    Part,
    PolicyArn,
    SecretArn,
    ServiceName,
    SettingName,
    TagKey,
    TagValue,
    wrong_within,
)
from turnout.config.server_settings import described_settings, setting_problem
from turnout.config.surroundings import (
    Access,
    Alarms,
    Build,
    Certificate,
    CreateNetwork,
    Firewall,
    HealthCheck,
    Logs,
    Model,
    Network,
    Requests,
    Scaling,
)
from turnout.config.target import Lambda, Local, Target, Tiers

# What the platform sets itself, each from a key of its own.
RESERVED_SETTINGS: Final = {
    "TURNOUT_HOST": "the tier",
    "TURNOUT_PORT": "target.port, or the tier",
    "TURNOUT_MODEL": "model.uri",
    "TURNOUT_MODEL_SHA256": "model.sha256",
    "TURNOUT_CACHE_DIR": "the tier",
    "TURNOUT_DRAIN_WAIT": "deregistration_delay",
    "TURNOUT_DRAIN_TIMEOUT": "deregistration_delay",
    "TURNOUT_MAX_BODY_BYTES": "requests.max_body",
    "TURNOUT_REQUEST_TIMEOUT": "requests.timeout",
    "TURNOUT_KEEP_ALIVE": "requests.timeout",
    "TURNOUT_API_KEYS": "api_keys_secret",
    "TURNOUT_API_KEYS_SECRET": "api_keys_secret",
}

# AWS, "Tag naming limits and requirements": 50 on a resource, of which the platform sets up to five
# (held by a test).
MOST_TAGS: Final = 50 - 5


def _arn_or_object(value: object) -> object:
    return {"arn": value} if isinstance(value, str) else value


def _image_form(value: object) -> str:
    return "[digest]" if isinstance(value, str) else "[build]"


Image = Annotated[
    Annotated[ImageDigest, Tag("[digest]")] | Annotated[Build, Tag("[build]")],
    Discriminator(_image_form),
]
CertificateOrArn = Annotated[
    Certificate,
    BeforeValidator(_arn_or_object, json_schema_input_type=CertificateArn | Certificate),
]
Targets = Annotated[tuple[Target, ...], Field(strict=False, min_length=1, max_length=4)]


class ServiceFields(Part):
    """One text-classification service: what runs, where, behind which door, watched how."""

    name: ServiceName = Field(
        description="The service's name, once in an account and region: resources are named "
        "after it."
    )
    environment: Literal["dev", "staging", "prod"] = Field(
        default="prod", description="Outside dev, what is costly to lose is protected."
    )
    image: Image | None = Field(
        default=None, description="<repository>@sha256:…, or {build: true}."
    )
    model: Model | None = Field(default=None, description="Without it, the image's own model.")
    target: Target | None = Field(default=None, description="The tier.")
    targets: Targets | None = Field(
        default=None, description="Several tiers with weights that add to 100: a cut-over."
    )
    scaling: Scaling = Field(default_factory=Scaling)
    network: Network = Field(default_factory=lambda: Network(create=CreateNetwork()))
    access: Access = Field(default="internal", description="Who reaches the load balancer.")
    callers: Distinct[CallerCidr] = Field(
        default=(),
        description="Networks beside the VPC that reach an internal load balancer: peered VPCs, an "
        "office behind a VPN.",
    )
    certificate: CertificateOrArn | None = None
    plain_http: bool = Field(
        default=False,
        description="Port 80 without a certificate; only with access: internal.",
    )
    firewall: Firewall = Field(default_factory=Firewall)
    alarms: Alarms = Field(default_factory=Alarms)
    health_check: HealthCheck = Field(default_factory=HealthCheck)
    deregistration_delay: Annotated[int, Field(ge=0, le=3600)] = Field(
        default=30, description="Seconds that a leaving copy may finish its requests."
    )
    wait_until_healthy: bool = Field(
        default=False,
        description="`pulumi up` waits until new copies serve before it sends them requests.",
    )
    requests: Requests = Field(default_factory=Requests)
    logs: Logs = Field(default_factory=Logs)
    api_keys_secret: SecretArn | None = Field(
        default=None, description="A Secrets Manager secret that holds API keys, comma separated."
    )
    api_keys_kms_key: KeyArn | None = Field(
        default=None, description="The key that encrypts that secret, where it is one of yours."
    )
    settings: dict[SettingName, str] = Field(
        default_factory=dict,
        description="More TURNOUT_… settings of the server (docs/settings.md).",
        json_schema_extra={
            "properties": described_settings(without=RESERVED_SETTINGS),
            "additionalProperties": False,
        },
    )
    permissions_boundary: PolicyArn | None = Field(
        default=None,
        description="An IAM policy that bounds every role of the service; the foundation makes "
        "one for each service, and the roles of CI ask for it.",
    )
    tags: Annotated[dict[TagKey, TagValue], Field(max_length=MOST_TAGS)] = Field(
        default_factory=dict, description="Tags for everything that takes tags."
    )

    @field_validator("settings")
    @classmethod
    def _server_starts_with_them(cls, value: dict[str, str]) -> dict[str, str]:
        problems = []
        for name, text in value.items():
            if name in RESERVED_SETTINGS:
                problems.append(f"{name}: is set by {RESERVED_SETTINGS[name]}; remove it here")
            elif (problem := setting_problem(name, text)) is not None:
                problems.append(f"{name}: {problem}")
        if problems:
            raise wrong_within(problems)
        return value

    @property
    def tiers(self) -> tuple[Tiers, ...]:
        """The tiers in the order of the file: one, or several with weights."""
        if self.targets is not None:
            return self.targets
        assert self.target is not None  # noqa: S101 - ServiceConfig holds it
        return (self.target,)

    @property
    def has_front_door(self) -> bool:
        """Whether a load balancer is made: not for `local`, nor for a function URL."""
        return any(not is_doorless(tier) for tier in self.tiers)


def is_doorless(tier: Tiers) -> bool:
    """Whether the tier runs without the load balancer."""
    return isinstance(tier, Local) or (isinstance(tier, Lambda) and tier.front == "function_url")
