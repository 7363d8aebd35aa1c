"""What stands around the tier: network, certificate, firewall, alarms, logs, health check."""

from typing import Annotated, Any, Final, Literal

from pydantic import Field, field_validator, model_validator

from turnout.config.scalars import (
    BuildCache,
    CertificateArn,
    Cron,
    Distinct,
    Domain,
    HostedZoneId,
    KeyArn,
    ModelUri,
    Part,
    Percent,
    ScheduleName,
    Sha256,
    SubnetId,
    Subscriber,
    TimeZone,
    VpcCidr,
    VpcId,
    wrong,
)
from turnout.config.timezones import near_zone, zone_is_known
from turnout.schedule import check_cron

# AWS, "PutRetentionPolicy": the days that CloudWatch Logs takes.
RETENTION_DAYS: Final = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
)  # fmt: skip


# AWS Certificate Manager, "RequestCertificate", DomainName: the common name, by RFC 5280.
MOST_COMMON_NAME: Final = 64


class Schedule(Part):
    """From a set time on, other bounds."""

    name: ScheduleName = Field(description="A name, such as nights.")
    cron: Cron = Field(description="minute hour day-of-month month day-of-week")
    timezone: TimeZone = Field(default="UTC", description="IANA time zone, such as Asia/Seoul.")
    min: Annotated[int, Field(ge=0, le=1000)] = Field(description="Fewest copies from then on.")
    max: Annotated[int, Field(ge=0, le=1000)] = Field(description="Most copies from then on.")

    @field_validator("timezone")
    @classmethod
    def _zone_is_there(cls, value: str) -> str:
        if not zone_is_known(value):
            near = near_zone(value)
            fix = f"did you mean {near}?" if near else "use one such as Asia/Seoul"
            raise wrong(f"is no IANA time zone; {fix}")
        return value

    @field_validator("cron")
    @classmethod
    def _cron_is_kept_by_aws(cls, value: str) -> str:
        try:
            check_cron(value)
        except ValueError as problem:
            raise wrong(str(problem)) from None
        return value

    @field_validator("max")
    @classmethod
    def _max_is_not_below_min(cls, value: int, info: Any) -> int:
        least = info.data.get("min")
        if least is not None and value < least:
            raise wrong(f"is below min {least}; raise max or lower min")
        return value


class Scaling(Part):
    """How many copies run, and what makes them more or fewer. Lambda scales by itself."""

    min: Annotated[int, Field(ge=0, le=1000)] = Field(default=2, description="Fewest copies.")
    max: Annotated[int, Field(ge=1, le=1000)] = Field(default=10, description="Most copies.")
    cpu: Percent = Field(default=70, description="Average CPU to hold, percent.")
    requests_per_target: Annotated[int, Field(ge=1, le=10_000_000)] | None = Field(
        default=None, description="Requests a minute and copy to hold; off unless given."
    )
    scale_out_cooldown: Annotated[int, Field(ge=0, le=3600)] = Field(
        default=60, description="Seconds between two steps up."
    )
    scale_in_cooldown: Annotated[int, Field(ge=0, le=3600)] = Field(
        default=120, description="Seconds between two steps down."
    )
    schedules: Annotated[tuple[Schedule, ...], Field(strict=False)] = Field(
        default=(), description="Other bounds at set times: office hours, nights."
    )

    @property
    def fewest(self) -> int:
        """The fewest copies that may run at any hour, schedules included."""
        return min([self.min, *(schedule.min for schedule in self.schedules)])

    @property
    def most(self) -> int:
        """The most copies that may run at any hour, schedules included."""
        return max([self.max, *(schedule.max for schedule in self.schedules)])

    @field_validator("max")
    @classmethod
    def _max_is_not_below_min(cls, value: int, info: Any) -> int:
        least = info.data.get("min")
        if least is not None and value < least:
            raise wrong(f"is below min {least}; raise max or lower min")
        return value

    @model_validator(mode="after")
    def _schedule_names_differ(self) -> "Scaling":
        names = [schedule.name for schedule in self.schedules]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise wrong(f"schedules has {', '.join(twice)} twice; give each its own name")
        return self


class CreateNetwork(Part):
    """A VPC of the stack's own."""

    cidr: VpcCidr = Field(default="10.20.0.0/16", description="The VPC's block, /16 to /24.")
    zones: Annotated[int, Field(ge=2, le=3)] = Field(default=2, description="Availability zones.")
    nat: Literal["single", "per_zone", "none"] = Field(
        default="single",
        description="NAT gateways; none: VPC endpoints only, nothing reaches the internet.",
    )
    flow_logs: bool = Field(default=True, description="Record accepted and rejected traffic.")


class ExistingNetwork(Part):
    """A VPC that the stack does not own; its ids are looked up and checked."""

    vpc: VpcId = Field(description="The VPC.")
    subnets: Annotated[tuple[SubnetId, ...], Field(min_length=2, strict=False)] = Field(
        description="Private subnets in two zones or more: the service, and an internal balancer."
    )
    public_subnets: Annotated[tuple[SubnetId, ...], Field(strict=False)] = Field(
        default=(), description="Public subnets: only a balancer with `access: internet`."
    )

    @model_validator(mode="after")
    def _subnets_differ(self) -> "ExistingNetwork":
        every = (*self.subnets, *self.public_subnets)
        twice = sorted({subnet for subnet in every if every.count(subnet) > 1})
        if twice:
            raise wrong(f"lists {', '.join(twice)} twice; a subnet is private or public, once")
        if len(self.public_subnets) == 1:
            raise wrong("public_subnets has one subnet; a load balancer needs two zones or more")
        return self


class Network(Part):
    """Either `create` or `existing`."""

    create: CreateNetwork | None = None
    existing: ExistingNetwork | None = None

    @model_validator(mode="before")
    @classmethod
    def _create_unless_told(cls, value: object) -> object:
        if isinstance(value, dict) and not value:
            return {"create": {}}
        return value

    @model_validator(mode="after")
    def _one_of_both(self) -> "Network":
        if (self.create is None) == (self.existing is None):
            raise wrong("takes either create or existing")
        return self


class Certificate(Part):
    """An ACM certificate by `arn`, or one made for `domain` and validated in `zone`."""

    arn: CertificateArn | None = None
    domain: Domain | None = Field(default=None, description="Name of the service.")
    zone: HostedZoneId | None = Field(
        default=None, description="Route 53 zone: validates, and gets an alias to the balancer."
    )

    @model_validator(mode="after")
    def _one_way(self) -> "Certificate":
        if self.arn is not None:
            if (self.domain is None) != (self.zone is None):
                raise wrong("with arn takes domain and zone together (an alias record), or neither")
        elif self.domain is None or self.zone is None:
            raise wrong("takes arn, or domain and zone together")
        elif len(self.domain) > MOST_COMMON_NAME:
            raise wrong(
                f"domain has {len(self.domain)} characters; ACM makes certificates for at most "
                f"{MOST_COMMON_NAME}: use a shorter one, or give the arn of a certificate"
            )
        return self


Access = Literal["internal", "internet"]
# In five minutes: from the internet 7 a second, which no person sends; inside, where a NAT gateway
# or a host speaks for many, what only a caller that runs wild sends, 333 a second.
_RATE_LIMITS: Final[dict[Access, int]] = {"internet": 2000, "internal": 100_000}


class Firewall(Part):
    """AWS WAF before the load balancer."""

    rate_limit: Annotated[int, Field(ge=10, le=2_000_000_000)] | None = Field(
        default=None,
        description="Requests that one address may send in five minutes. Unless given 2000; "
        "100000 with access: internal, where one address can be all callers of a network.",
    )
    body_rules: Literal["count", "block"] = Field(
        default="count",
        description="Rules that read bodies: comments by strangers set them off, so they count.",
    )

    def limit(self, access: Access) -> int:
        """Requests that one address may send in five minutes."""
        return _RATE_LIMITS[access] if self.rate_limit is None else self.rate_limit


class Alarms(Part):
    """Bounds of the alarms, and who hears them."""

    cpu: Percent = Field(default=80, description="Percent.")
    memory: Percent = Field(default=80, description="Percent.")
    response_time: Annotated[float, Field(gt=0, le=900)] = Field(
        default=5, description="Seconds, average over a period."
    )
    errors: Percent = Field(default=5, description="Share of requests that fail, percent.")
    # AWS's own metrics have a point a minute: a shorter period would mostly have no data.
    period: Literal[60, 120, 180, 240, 300, 600, 900, 1800, 3600] = Field(
        default=300, description="Seconds."
    )
    evaluation_periods: Annotated[int, Field(ge=1, le=24)] = Field(
        default=2, description="Periods in a row that must breach."
    )
    notify: Distinct[Subscriber] = Field(
        default=(), description="E-mail or https:// addresses that alarms are sent to."
    )


class HealthCheck(Part):
    """How the load balancer asks whether a copy can serve."""

    path: Literal["/health", "/readyz", "/livez"] = Field(
        default="/health",
        description="A path of the server; /health and /readyz are 503 while it cannot serve.",
    )
    healthy_threshold: Annotated[int, Field(ge=2, le=10)] = 2
    unhealthy_threshold: Annotated[int, Field(ge=2, le=10)] = 3
    interval: Annotated[int, Field(ge=5, le=300)] = Field(default=30, description="Seconds.")
    timeout: Annotated[int, Field(ge=2, le=120)] = Field(default=10, description="Seconds.")

    @field_validator("timeout")
    @classmethod
    def _timeout_is_shorter_than_interval(cls, value: int, info: Any) -> int:
        interval = info.data.get("interval")
        if interval is not None and value >= interval:
            raise wrong(f"is not shorter than interval {interval}; lower timeout or raise interval")
        return value


class Logs(Part):
    """Where the tiers write, and for how long it is kept."""

    retention: Literal[RETENTION_DAYS] = Field(  # type: ignore[valid-type]
        default=30, description="Days that CloudWatch keeps the service's logs."
    )
    kms_key: KeyArn | None = Field(default=None, description="A key of yours; else AWS's own.")
    access_logs_days: Annotated[int, Field(ge=1, le=3653)] = Field(
        default=90, description="Days that the load balancer's access logs are kept."
    )


class Requests(Part):
    """What one request may be."""

    max_body: Annotated[int, Field(ge=1024, le=100_000_000)] = Field(
        default=1_000_000, description="Bytes."
    )
    timeout: Annotated[int, Field(ge=1, le=900)] = Field(
        default=25, description="Seconds after which the server answers 504."
    )


class Model(Part):
    """A model that is fetched at start; without it the image's own model runs."""

    uri: ModelUri = Field(description="s3://<bucket>/<prefix>, https://… or file:<folder>.")
    sha256: Sha256 = Field(description="The sha256 of the model's turnout.json.")
    kms_key: KeyArn | None = Field(
        default=None, description="The key that encrypts the bucket, where it is one of yours."
    )

    @model_validator(mode="after")
    def _key_is_the_buckets(self) -> "Model":
        if self.kms_key is not None and not self.uri.startswith("s3:"):
            raise wrong("kms_key is about a bucket; with another uri than s3://… remove it")
        return self


class Build(Part):
    """The image built and pushed by the deployment itself."""

    build: Literal[True] = True
    repository: Annotated[str, Field(min_length=3)] | None = Field(
        default=None, description="An ECR repository's URL; otherwise the stack makes one."
    )
    context: str = Field(default=".", description="Build context, relative to Pulumi.yaml.")
    cache: BuildCache | None = Field(
        default=None,
        description="A registry's <repository>:<tag>, mutable, that keeps layers between machines.",
    )
    dockerfile: str = Field(default="inference/Dockerfile", description="Relative to Pulumi.yaml.")
