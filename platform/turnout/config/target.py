"""The tiers: what each can be told. A union that `kind` tells apart."""

from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from turnout import sizing
from turnout.config.scalars import (
    AdminCidr,
    AmiId,
    ClusterName,
    Distinct,
    KubernetesName,
    LabelKey,
    LabelValue,
    Part,
    PrincipalArn,
    PublicCidr,
    Quantity,
    wrong,
    wrong_within,
)

Kind = Literal["local", "ec2", "ecs", "eks", "lambda"]
Weight = Annotated[int, Field(ge=0, le=100)]
Architecture = sizing.Architecture


def _spot_share(value: object) -> object:
    """`true` means all of it, `false` none; a number is the share in percent."""
    return (100 if value else 0) if isinstance(value, bool) else value


SpotShare = Annotated[
    int,
    BeforeValidator(_spot_share, json_schema_input_type=bool | Annotated[int, Field(ge=0, le=100)]),
    Field(ge=0, le=100),
]

# The user's figures: t3.medium is the least that the service runs well on.
LEAST_INSTANCE_GIB: Final = 4.0
# Python, CTranslate2 and the default model take about 250 MB; below this Lambda kills at start.
LEAST_LAMBDA_MB: Final = 512
# AWS, "Understand the Kubernetes version lifecycle on EKS": extended support of 1.31 ended in
# November 2026.
OLDEST_EKS_MINOR: Final = 32
# Amazon EKS, "Service quotas": public endpoint access CIDR ranges per cluster.
MOST_PUBLIC_CIDRS: Final = 40
# Namespaces of the cluster itself and of AWS's add-ons: an object of this name would be taken over,
# and deleted by `pulumi destroy` with everything in it.
_CLUSTERS_OWN: Final = frozenset({"default", "amazon-cloudwatch", "amazon-guardduty"})
# Amazon EC2, "Instance types": no C, M or R machine of EKS Auto Mode is larger.
_MOST_POD: Final = {"cpu": (192.0, "192"), "memory": (1536 * 1024.0**3, "1536Gi")}
_LEAST_POD: Final = {"cpu": (0.25, "250m"), "memory": (512 * 1024.0**2, "512Mi")}
# AWS, "Lambda quotas": concurrent executions can be raised to tens of thousands.
_MOST_CONCURRENCY: Final = 100_000


def is_clusters_own(namespace: str) -> bool:
    """Whether the namespace belongs to the cluster, so that no service may make or delete it."""
    return namespace in _CLUSTERS_OWN or namespace.startswith("kube-")


class Tier(Part):
    """What all tiers share."""

    weight: Weight | None = Field(
        default=None, description="Percent of requests, where `targets` lists several tiers."
    )
    retire: bool = Field(
        default=False,
        description="With weight 0: `pulumi up` takes off what protects the tier, so that the next "
        "can remove it.",
    )


class Local(Tier):
    """The server as a supervised process on this machine."""

    kind: Literal["local"] = "local"
    port: Annotated[int, Field(ge=1024, le=65535)] = Field(
        default=8000, description="The port on 127.0.0.1."
    )
    workers: Annotated[int, Field(ge=1, le=64)] = Field(
        default=1, description="Server processes; each holds the model."
    )


class Ssh(Part):
    """SSH to the machines, for who cannot use Session Manager."""

    cidrs: Annotated[Distinct[AdminCidr], Field(min_length=1)] = Field(
        description="Networks that may reach port 22."
    )
    key_name: Annotated[str, Field(min_length=1, max_length=255)] = Field(
        description="An EC2 key pair's name."
    )


class Ec2(Tier):
    """Machines in an auto scaling group, the container run by Docker."""

    kind: Literal["ec2"] = "ec2"
    instance_type: str = Field(default="t3.large", description="EC2 instance type.")
    ami: AmiId | None = Field(
        default=None,
        description="An image id; otherwise the newest Ubuntu 22.04 that Canonical publishes.",
    )
    disk: Annotated[int, Field(ge=20, le=16384)] = Field(default=30, description="Root disk, GiB.")
    spot: SpotShare = Field(default=0, description="Share of Spot: a percentage, or true.")
    ssh: Ssh | None = Field(default=None, description="Off unless given; Session Manager is on.")
    max_age: Annotated[int, Field(ge=1, le=365)] | None = Field(
        default=None,
        description="Days after which a machine gives way to a fresh one with the newest image.",
    )

    @field_validator("instance_type")
    @classmethod
    def _sells(cls, value: str) -> str:
        if not sizing.is_instance_type(value):
            raise wrong("must be an EC2 instance type, such as t3.large")
        if value.startswith("mac"):
            raise wrong("is a Mac, on which neither Linux nor the service runs; use t3.large")
        memory = sizing.instance_memory_gib(value)
        if memory is not None and memory < LEAST_INSTANCE_GIB:
            raise wrong(
                f"has {memory:g} GiB of memory; the service needs {LEAST_INSTANCE_GIB:g} GiB: "
                "use t3.medium or larger"
            )
        return value

    @property
    def architecture(self) -> Architecture:
        """The CPU architecture that the instance type has, and the image must have."""
        return sizing.instance_architecture(self.instance_type)


class Ecs(Tier):
    """Containers on Fargate."""

    kind: Literal["ecs"] = "ecs"
    cpu: int = Field(default=2048, description="CPU units a task; 1024 are one vCPU.")
    memory: int = Field(default=4096, description="Memory a task, MiB.")
    spot: SpotShare = Field(default=0, description="Share of Fargate Spot: a percentage, or true.")
    architecture: Architecture = "x86_64"

    @field_validator("cpu")
    @classmethod
    def _cpu_is_sold(cls, value: int) -> int:
        if value not in sizing.FARGATE_MEMORY_MIB:
            sizes = ", ".join(map(str, sizing.FARGATE_MEMORY_MIB))
            raise wrong(f"is not a Fargate CPU size; use one of {sizes}")
        return value

    @field_validator("memory")
    @classmethod
    def _memory_goes_with_cpu(cls, value: int, info: Any) -> int:
        cpu = info.data.get("cpu")
        if cpu is not None and value not in sizing.fargate_memory_mib(cpu):
            sizes = sizing.fargate_memory_mib(cpu)
            listed = ", ".join(map(str, sizes if len(sizes) <= 4 else (*sizes[:2], "…", sizes[-1])))
            fits = sizing.fargate_cpu_for(value)
            other = f" (or cpu {' / '.join(map(str, fits))})" if fits else ""
            raise wrong(f"is not a Fargate size for cpu {cpu}; use {listed}{other}")
        return value


class ExistingCluster(Part):
    """An EKS cluster that the stack does not own."""

    name: ClusterName = Field(description="The cluster's name.")
    load_balancing: Literal["auto_mode", "controller"] = Field(
        default="auto_mode",
        description="What registers pods with the load balancer: EKS Auto Mode, or the AWS Load "
        "Balancer Controller that runs in the cluster.",
    )
    node_selector: dict[LabelKey, LabelValue] = Field(
        default_factory=dict,
        description="Labels of the machines that pods may run on, such as Spot ones.",
    )


class Eks(Tier):
    """Pods in a Kubernetes cluster: EKS Auto Mode, or a cluster that exists."""

    kind: Literal["eks"] = "eks"
    cluster: ExistingCluster | None = Field(
        default=None, description="An existing cluster; otherwise one is made, in Auto Mode."
    )
    version: str = Field(
        default="1.36", description="Kubernetes version of the cluster that is made."
    )
    namespace: KubernetesName | None = Field(
        default=None, description="Kubernetes namespace; the service's name unless given."
    )
    create_namespace: bool = Field(
        default=True,
        description="false: the namespace is there already, and stays as it is and outlives the "
        "stack; only with an existing cluster.",
    )
    cpu: Quantity = Field(default="2", description="CPU a pod, a Kubernetes quantity.")
    memory: Quantity = Field(default="4Gi", description="Memory a pod, a Kubernetes quantity.")
    spot: SpotShare = Field(default=0, description="Share of Spot capacity: a percentage, or true.")
    architecture: Architecture = "x86_64"
    public_access_cidrs: Annotated[Distinct[PublicCidr], Field(max_length=MOST_PUBLIC_CIDRS)] = (
        Field(
            default=(),
            description="Networks that may reach the cluster's API from outside; none: private.",
        )
    )
    admins: Distinct[PrincipalArn] = Field(
        default=(), description="IAM roles or users that administer the cluster."
    )

    @field_validator("version")
    @classmethod
    def _is_a_version(cls, value: str) -> str:
        major, _, minor = value.partition(".")
        if major != "1" or not minor.isdecimal():
            raise wrong('must be a Kubernetes version in quotes, such as "1.36"')
        if len(minor) > 2:
            raise wrong('is no version of Kubernetes; use one that EKS has, such as "1.36"')
        if int(minor) < OLDEST_EKS_MINOR:
            raise wrong(f'is no longer run by EKS; use "1.{OLDEST_EKS_MINOR}" or newer')
        return value

    @field_validator("cpu", "memory")
    @classmethod
    def _is_a_quantity(cls, value: str, info: Any) -> str:
        try:
            amount = sizing.kubernetes_quantity(value)
        except ValueError:
            raise wrong("must be a Kubernetes quantity such as 500m, 2 or 4Gi") from None
        least, text = _LEAST_POD[info.field_name]
        if amount < least:
            raise wrong(f"is less than the service needs; use {text} or more")
        most, text = _MOST_POD[info.field_name]
        if amount > most:
            raise wrong(f"is more than a machine has; use {text} or less")
        return value

    @model_validator(mode="after")
    def _makes_no_namespace_of_the_cluster(self) -> "Eks":
        if self.create_namespace and self.namespace and is_clusters_own(self.namespace):
            raise wrong_within(
                [
                    f"namespace: {self.namespace} belongs to the cluster, and `pulumi destroy` "
                    "would delete it with everything in it; use a namespace of the service's own"
                ]
            )
        return self

    @model_validator(mode="after")
    def _existing_cluster_is_left_alone(self) -> "Eks":
        if self.cluster is not None:
            made = {"version", "public_access_cidrs", "admins", "spot"} & self.model_fields_set
            if made:
                raise wrong(
                    f"{', '.join(sorted(made))} cannot be set with an existing cluster: "
                    "turnout changes only what it made"
                )
        elif not self.create_namespace:
            raise wrong(
                "create_namespace: false needs an existing cluster; one that is made has no "
                "namespace yet"
            )
        return self


class Lambda(Tier):
    """An image function that sleeps when nobody asks."""

    kind: Literal["lambda"] = "lambda"
    memory: int = Field(default=2048, description="Memory, MB; one vCPU for each 1,769.")
    timeout: int = Field(default=29, description="Seconds that one request may take.")
    architecture: Architecture = "x86_64"
    reserved_concurrency: Annotated[int, Field(ge=1, le=_MOST_CONCURRENCY)] | None = Field(
        default=None, description="Most requests at once; also keeps that share of the account."
    )
    provisioned_concurrency: Annotated[int, Field(ge=0, le=_MOST_CONCURRENCY)] = Field(
        default=0, description="Copies kept warm, paid by the hour."
    )
    front: Literal["alb", "function_url"] = Field(
        default="alb",
        description="Behind the load balancer, or a function URL with IAM authentication.",
    )

    @field_validator("memory")
    @classmethod
    def _memory_is_sold(cls, value: int) -> int:
        if value not in sizing.LAMBDA_MEMORY_MB or value < LEAST_LAMBDA_MB:
            raise wrong(f"is not a size for this service; use {LEAST_LAMBDA_MB} to 10240 (MB)")
        return value

    @field_validator("timeout")
    @classmethod
    def _timeout_is_allowed(cls, value: int) -> int:
        if value not in sizing.LAMBDA_TIMEOUT_SECONDS:
            raise wrong("is not a timeout that Lambda takes; use 1 to 900 (seconds)")
        return value

    @model_validator(mode="after")
    def _warm_within_reserved(self) -> "Lambda":
        if self.reserved_concurrency is not None and (
            self.provisioned_concurrency > self.reserved_concurrency
        ):
            raise wrong(
                f"provisioned_concurrency {self.provisioned_concurrency} is more than "
                f"reserved_concurrency {self.reserved_concurrency}; raise the second"
            )
        return self


def _short_form(value: object) -> object:
    """`target: ecs` for `target: {kind: ecs}`."""
    return {"kind": value} if isinstance(value, str) else value


Tiers = Local | Ec2 | Ecs | Eks | Lambda
TierObject = Annotated[Tiers, Field(discriminator="kind")]
Target = Annotated[
    TierObject, BeforeValidator(_short_form, json_schema_input_type=Kind | TierObject)
]
