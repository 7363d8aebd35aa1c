"""Valid stack files, at random: everything that `turnout:service` can say on AWS."""

from typing import Any

from hypothesis import strategies as st
from tests.turnout.programs import ACCOUNT, DIGEST, REGION, SECRET, SHA

from turnout.config.surroundings import RETENTION_DAYS
from turnout.sizing import FARGATE_MEMORY_MIB

NAMES = st.from_regex(r"[a-z](?:-?[a-z0-9]){1,31}", fullmatch=True)
ECR = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/classifier@{DIGEST}"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd"
SPOT = st.one_of(st.booleans(), st.integers(0, 100))
ADMIN_CIDRS = st.lists(
    st.sampled_from(["203.0.113.7/32", "198.51.100.0/24", "2001:db8::/32"]),
    min_size=1,
    max_size=3,
    unique=True,
)


def _optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


@st.composite
def ec2(draw: st.DrawFn) -> dict[str, Any]:
    """An EC2 tier."""
    said = draw(
        _optional(
            instance_type=st.sampled_from(
                [
                    "t3.medium",
                    "t3.large",
                    "c5.xlarge",
                    "m7g.large",
                    "c7gn.2xlarge",
                    "x2idn.16xlarge",
                ]
            ),
            ami=st.just("ami-0a1b2c3d4e5f60718"),
            disk=st.integers(20, 500),
            spot=SPOT,
            ssh=st.fixed_dictionaries({"cidrs": ADMIN_CIDRS, "key_name": st.just("admins")}),
            max_age=st.integers(1, 365),
        )
    )
    return {"kind": "ec2", **said}


@st.composite
def ecs(draw: st.DrawFn) -> dict[str, Any]:
    """An ECS tier of a size that Fargate sells."""
    cpu = draw(st.sampled_from(sorted(FARGATE_MEMORY_MIB)))
    size = {"cpu": cpu, "memory": draw(st.sampled_from(FARGATE_MEMORY_MIB[cpu]))}
    said = draw(_optional(spot=SPOT, architecture=st.just("x86_64")))
    return {"kind": "ecs", **size, **said}


@st.composite
def eks(draw: st.DrawFn) -> dict[str, Any]:
    """An EKS tier with a cluster of its own, or one that exists."""
    if not draw(st.integers(0, 3)):
        load_balancing = draw(st.sampled_from(["auto_mode", "controller"]))
        return {"kind": "eks", "cluster": {"name": "shared", "load_balancing": load_balancing}}
    said = draw(
        _optional(
            version=st.sampled_from(["1.33", "1.36"]),
            namespace=st.sampled_from(["classifiers", "prod"]),
            cpu=st.sampled_from(["500m", "2", "4"]),
            memory=st.sampled_from(["1Gi", "4Gi", "8Gi"]),
            spot=SPOT,
            public_access_cidrs=st.lists(
                st.sampled_from(["203.0.113.7/32", "198.51.100.0/24"]), unique=True
            ),
            admins=st.just([f"arn:aws:iam::{ACCOUNT}:role/admins"]),
        )
    )
    return {"kind": "eks", **said}


@st.composite
def lambda_(draw: st.DrawFn) -> dict[str, Any]:
    """A Lambda tier behind the load balancer."""
    warm = draw(st.integers(0, 5))
    said = draw(
        _optional(
            memory=st.integers(512, 10_240),
            timeout=st.integers(29, 900),
            reserved_concurrency=st.integers(5, 500),
        )
    )
    return {"kind": "lambda", "provisioned_concurrency": warm, **said}


@st.composite
def _tiers(draw: st.DrawFn) -> dict[str, Any]:
    one = st.one_of(ec2(), ecs(), eks(), lambda_())
    if draw(st.integers(0, 3)):
        alone = draw(one)
        if alone["kind"] == "lambda":
            alone["front"] = draw(st.sampled_from(["alb", "function_url"]))
        return {"target": alone}
    tiers = draw(st.lists(one, min_size=2, max_size=4, unique_by=lambda tier: tier["kind"]))
    cuts = sorted(
        draw(st.lists(st.integers(0, 100), min_size=len(tiers) - 1, max_size=len(tiers) - 1))
    )
    weights = [high - low for low, high in zip([0, *cuts], [*cuts, 100], strict=True)]
    # One image has one architecture for Lambda and the machines beside it.
    for tier in tiers:
        if tier["kind"] == "ec2" and any(other["kind"] == "lambda" for other in tiers):
            tier["instance_type"] = "t3.large"
    return {
        "targets": [{**tier, "weight": weight} for tier, weight in zip(tiers, weights, strict=True)]
    }


@st.composite
def _scaling(draw: st.DrawFn, *, on_eks: bool) -> dict[str, Any]:
    least = draw(st.integers(1 if on_eks else 0, 20))
    said: dict[str, Any] = {"min": least, "max": draw(st.integers(max(least, 1), 40))}
    said |= draw(
        _optional(
            cpu=st.integers(1, 100),
            scale_out_cooldown=st.integers(0, 3600),
            scale_in_cooldown=st.integers(0, 3600),
        )
    )
    if not on_eks:
        low = draw(st.integers(0, 5))
        said |= draw(
            _optional(
                requests_per_target=st.integers(1, 10_000),
                schedules=st.just(
                    [
                        {"name": "nights", "cron": "0 20 * * MON-FRI", "min": low, "max": low + 5},
                        {
                            "name": "mornings",
                            "cron": "30 7 * * 1-5",
                            "timezone": "Asia/Seoul",
                            "min": 2,
                            "max": 10,
                        },
                    ]
                ),
            )
        )
    return said


@st.composite
def _networks(draw: st.DrawFn, every: list[dict[str, Any]]) -> dict[str, Any]:
    """A network that `every` tier can live in: a cluster that exists has a VPC that exists."""
    theirs = any("cluster" in tier for tier in every)
    if theirs or not draw(st.integers(0, 3)):
        return {
            "existing": {
                "vpc": "vpc-0a1b2c3d",
                "subnets": ["subnet-0000000a", "subnet-0000000b"],
                "public_subnets": ["subnet-0000000c", "subnet-0000000d"],
            }
        }
    closed = not any(tier["kind"] == "ec2" and "ami" not in tier for tier in every)
    create = draw(
        _optional(
            cidr=st.sampled_from(["10.0.0.0/16", "172.31.128.0/20", "192.168.3.0/24"]),
            zones=st.integers(2, 3),
            nat=st.sampled_from(["single", "per_zone", *(["none"] if closed else [])]),
            flow_logs=st.booleans(),
        )
    )
    return {"create": create}


@st.composite
def services(draw: st.DrawFn) -> dict[str, Any]:
    """What stands under `turnout:service`."""
    tiers = draw(_tiers())
    every = tiers.get("targets") or [tiers["target"]]
    kinds = {tier["kind"] for tier in every}
    said: dict[str, Any] = {"name": draw(NAMES), "image": ECR, **tiers}
    said |= draw(
        _optional(
            environment=st.sampled_from(["dev", "staging", "prod"]),
            model=st.fixed_dictionaries(
                {
                    "uri": st.sampled_from(["s3://models/a/b", "https://models.example.com/v1"]),
                    "sha256": st.just(SHA),
                }
            ),
            api_keys_secret=st.just(SECRET),
            api_keys_kms_key=st.just(KEY),
            wait_until_healthy=st.booleans(),
            deregistration_delay=st.integers(0, 100),
            requests=_optional(max_body=st.integers(1024, 1_000_000), timeout=st.integers(1, 28)),
            firewall=_optional(
                rate_limit=st.integers(10, 100_000), body_rules=st.sampled_from(["count", "block"])
            ),
            alarms=_optional(
                cpu=st.integers(1, 100),
                memory=st.integers(1, 100),
                response_time=st.floats(0.01, 900),
                errors=st.integers(1, 100),
                period=st.sampled_from([60, 300, 3600]),
                evaluation_periods=st.integers(1, 24),
                notify=st.just(["a@example.com", "https://hooks.example.com/x?y=z"]),
            ),
            logs=_optional(
                retention=st.sampled_from(RETENTION_DAYS), access_logs_days=st.integers(1, 3653)
            ),
            settings=_optional(
                TURNOUT_MAX_TEXTS=st.integers(1, 100_000).map(str),
                TURNOUT_BATCH_WAIT=st.sampled_from(["0", "0.005", "3600"]),
                TURNOUT_LOG_LEVEL=st.sampled_from(["debug", "INFO", "warning"]),
                TURNOUT_PAGES=st.sampled_from(["true", "false", "0"]),
                TURNOUT_CORS_ORIGINS=st.sampled_from(["*", "https://a.example.com, http://b:8080"]),
            ),
            tags=st.dictionaries(
                st.from_regex(r"[a-z][a-z0-9 ._-]{0,20}", fullmatch=True),
                st.from_regex(r"[A-Za-z0-9 ._:/=+@-]{0,30}", fullmatch=True),
                max_size=3,
            ),
        )
    )
    if kinds != {"lambda"}:
        said["scaling"] = draw(_scaling(on_eks="eks" in kinds))
    said["network"] = draw(_networks(every))
    if said["network"].get("create", {}).get("nat") == "none":
        said.pop("model", None)
    if "api_keys_secret" not in said:
        said.pop("api_keys_kms_key", None)
    if said.get("model", {}).get("uri", "").startswith("s3:") and draw(st.booleans()):
        said["model"]["kms_key"] = KEY
    said |= draw(
        st.sampled_from(
            [
                {"plain_http": True},
                {"certificate": f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/0a1b"},
                {"certificate": {"domain": "api.example.com", "zone": "Z0123456789ABCDEF"}},
                {
                    "access": "internet",
                    "certificate": {"domain": "*.example.com", "zone": "Z0123456789ABCDEF"},
                },
            ]
        )
    )
    return said
