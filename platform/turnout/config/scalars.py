"""The stack file's plain values: each a type whose error says what is wanted."""

import ipaddress
import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError


class Part(BaseModel):
    """A part of the stack file: frozen, and a key that it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def wrong(message: str) -> PydanticCustomError:
    """An error whose text is `message`, said of the value at whose place it is raised."""
    # Braces are the template's own: a value that holds some must not be read as a field.
    return PydanticCustomError("turnout", "{text}", {"text": message})


def wrong_within(problems: Sequence[str]) -> PydanticCustomError:
    """Several errors at once, each as `path: message` with a path from the value's place on."""
    return PydanticCustomError(
        "turnout_rules", "{n} rules broken", {"n": len(problems), "problems": tuple(problems)}
    )


T = TypeVar("T")


def _once_each(values: tuple[T, ...]) -> tuple[T, ...]:
    twice = [value for index, value in enumerate(values) if value in values[:index]]
    if twice:
        raise wrong(f"lists {', '.join(dict.fromkeys(map(str, twice)))} twice; name each once")
    return values


# A list whose items become resources: two of the same would be two resources of one name.
Distinct = Annotated[tuple[T, ...], Field(strict=False), AfterValidator(_once_each)]


def _matching(pattern: str, wanted: str) -> Callable[[str], str]:
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if compiled.fullmatch(value) is None:
            raise wrong(f"must be {wanted}")
        return value

    return check


def _text(pattern: str, wanted: str) -> Any:
    return Annotated[
        str,
        AfterValidator(_matching(pattern, wanted)),
        Field(json_schema_extra={"pattern": f"^(?:{pattern})$"}),
    ]


def _cidr(value: str) -> str:
    if "/" not in value:
        raise wrong("must be a CIDR block with its prefix length, such as 203.0.113.7/32")
    try:
        # As AWS writes it back: another spelling of an IPv6 block would differ on each refresh.
        return str(ipaddress.ip_network(value))
    except ValueError:
        try:
            meant = ipaddress.ip_network(value, strict=False)
        except ValueError:
            raise wrong("must be a CIDR block, such as 10.20.0.0/16") from None
        raise wrong(f"has bits set behind its prefix length; did you mean {meant}?") from None


def _narrow_cidr(value: str) -> str:
    if ipaddress.ip_network(value).prefixlen == 0:
        raise wrong("is the whole internet; list the networks that you mean")
    return value


# Amazon EKS, "Cluster API server endpoint": the blocks must not be of reserved addresses, RFC 6890.
_NOT_PUBLIC: Final = tuple(
    map(
        ipaddress.IPv4Network,
        (
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
            "172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/3",
        ),
    )
)  # fmt: skip


def _public_cidr(value: str) -> str:
    block = ipaddress.ip_network(value)
    if not isinstance(block, ipaddress.IPv4Network):
        raise wrong("is IPv6; the cluster's API is reached over IPv4: give that block")
    if any(block.overlaps(private) for private in _NOT_PUBLIC):
        raise wrong(
            "holds private addresses, and this is about callers outside the VPC; give the public "
            "address that they come from, such as 203.0.113.7/32"
        )
    return value


def _caller_cidr(value: str) -> str:
    if ipaddress.ip_network(value).version != 4:
        raise wrong("is IPv6; the load balancer has IPv4 addresses only: give that block")
    return value


def _vpc_cidr(value: str) -> str:
    block = ipaddress.ip_network(value)
    if block.version != 4 or not 16 <= block.prefixlen <= 24:
        raise wrong(
            "must be an IPv4 block from /16 to /24: a VPC holds at most a /16, "
            "and six subnets need at least a /24"
        )
    return value


# "CreateLoadBalancer" (internal-), "CreateSecurityGroup" (sg-), "General purpose bucket naming
# rules" (sthree-, amzn-s3-demo-): starts of names that AWS keeps for itself.
_AWS_STARTS: Final = ("internal-", "sg-", "sthree-", "amzn-s3-demo-")


def _free_start(value: str) -> str:
    start = next((start for start in _AWS_STARTS if value.startswith(start)), None)
    if start is not None:
        raise wrong(f"begins with {start}, which AWS keeps for itself; use another start")
    return value


def _yaml_number_as_text(value: object) -> object:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


_HEX64: Final = "[0-9a-f]{64}"
_PARTITION: Final = "aws(?:-cn|-us-gov)?"

# Tokens of 2 to 32 characters: DNS labels, so that Kubernetes takes them too.
ServiceName = Annotated[
    str,
    AfterValidator(
        _matching(
            "[a-z](?:-?[a-z0-9]){1,31}",
            "2 to 32 lower-case letters, digits and single hyphens, a letter first, "
            "such as hate-speech-api",
        )
    ),
    AfterValidator(_free_start),
    Field(json_schema_extra={"pattern": "^[a-z](?:-?[a-z0-9]){1,31}$"}),
]
KubernetesName = _text(
    "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", "a Kubernetes name: lower-case letters, digits, hyphens"
)
ClusterName = _text(
    "[0-9A-Za-z][A-Za-z0-9_-]{0,99}", "the name of an EKS cluster: letters, digits, hyphens"
)
Percent = Annotated[int, Field(ge=1, le=100)]
Cidr = Annotated[str, AfterValidator(_cidr)]
AdminCidr = Annotated[str, AfterValidator(_cidr), AfterValidator(_narrow_cidr)]
PublicCidr = Annotated[
    str, AfterValidator(_cidr), AfterValidator(_narrow_cidr), AfterValidator(_public_cidr)
]
CallerCidr = Annotated[
    str, AfterValidator(_cidr), AfterValidator(_narrow_cidr), AfterValidator(_caller_cidr)
]
VpcCidr = Annotated[str, AfterValidator(_cidr), AfterValidator(_vpc_cidr)]
Sha256 = _text(_HEX64, "64 hexadecimal digits in lower case")
ImageDigest = _text(
    rf"[a-z0-9][a-z0-9._:/-]*@sha256:{_HEX64}",
    "an image by digest, <repository>@sha256:<64 hexadecimal digits>: a tag can come to mean "
    "another image without any `up` seeing it",
)
ModelUri = _text(
    r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[^\s?#]+|https://[^\s?#@]+|file:[^\s?#]+",
    "s3://<bucket>/<prefix>, https://… or file:<folder>",
)
VpcId = _text("vpc-[0-9a-f]{8,17}", "a VPC's id, such as vpc-0a1b2c3d4e5f60718")
SubnetId = _text("subnet-[0-9a-f]{8,17}", "a subnet's id, such as subnet-0a1b2c3d4e5f60718")
AmiId = _text("ami-[0-9a-f]{8,17}", "an image's id, such as ami-0a1b2c3d4e5f60718")
CertificateArn = _text(
    rf"arn:{_PARTITION}:acm:[a-z0-9-]+:\d{{12}}:certificate/[A-Za-z0-9-]+",
    "the ARN of an ACM certificate, arn:aws:acm:<region>:<account>:certificate/<id>",
)
KeyArn = _text(
    rf"arn:{_PARTITION}:kms:[a-z0-9-]+:\d{{12}}:key/[A-Za-z0-9-]+",
    "the ARN of a KMS key, arn:aws:kms:<region>:<account>:key/<id>",
)
SecretArn = _text(
    rf"arn:{_PARTITION}:secretsmanager:[a-z0-9-]+:\d{{12}}:secret:[A-Za-z0-9/_+=.@-]+-[A-Za-z0-9]{{6}}",
    # IAM compares ARNs as they are: without the end that Secrets Manager adds, nothing may be read.
    "the whole ARN of a Secrets Manager secret, "
    "arn:aws:secretsmanager:<region>:<account>:secret:<name>-<six characters>",
)
PrincipalArn = _text(
    rf"arn:{_PARTITION}:iam::\d{{12}}:(?:role|user)/[\w+=,.@/-]+",
    "the ARN of an IAM role or user, arn:aws:iam::<account>:role/<name>",
)
PolicyArn = _text(
    rf"arn:{_PARTITION}:iam::\d{{12}}:policy/[\w+=,.@/-]+",
    "the ARN of an IAM policy of yours, arn:aws:iam::<account>:policy/<name>",
)
OidcProviderArn = _text(
    rf"arn:{_PARTITION}:iam::\d{{12}}:oidc-provider/token\.actions\.githubusercontent\.com",
    "arn:aws:iam::<account>:oidc-provider/token.actions.githubusercontent.com",
)
BucketName = _text(
    "[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "the name of an S3 bucket: lower-case letters, digits, - ."
)
StateUrl = _text(
    r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?:/[A-Za-z0-9._/-]+)?",
    "s3://<bucket> or s3://<bucket>/<prefix>",
)
# What a GitHub token's subject is made of: no `:` and no `*`, which would mean something else.
GitHubRepository = _text(
    r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}", "<owner>/<name>, as GitHub spells it"
)
GitHubBranch = _text(
    r"[A-Za-z0-9][A-Za-z0-9._/-]{0,99}", "one branch, such as main; a pattern would let others in"
)
GitHubEnvironment = _text(
    r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", "one GitHub environment, such as production"
)
HostedZoneId = _text("[0-9A-Z]{8,32}", "a Route 53 hosted zone's id, such as Z0123456789ABCDEF")
Domain = _text(
    r"(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}",
    "a domain name in lower case, such as api.example.com",
)
Subscriber = _text(
    r"[^@\s:/]+@[^@\s:/]+\.[^@\s:/]+|https://[^\s@]+",
    "an e-mail address or an https:// address",
)
CronField = r"[0-9A-Za-z*,/?#-]+"
Cron = _text(
    rf"{CronField}(?: {CronField}){{4}}",
    "five cron fields: minute hour day-of-month month day-of-week, such as 0 20 * * MON-FRI",
)
Quantity = Annotated[
    str, BeforeValidator(_yaml_number_as_text, json_schema_input_type=str | int | float)
]
TagKey = _text(
    r"(?![aA][wW][sS]:)(?!turnout:)[\w .:/=+@-]{1,128}",
    "a tag's key: 1 to 128 letters, digits, spaces or _.:/=+-@, and not of aws: or turnout:",
)
TagValue = _text(r"[\w .:/=+@-]{0,256}", "a tag's value: up to 256 letters, digits or _.:/=+-@")
# Kubernetes, "Labels and Selectors": an optional DNS prefix, then a name of at most 63.
LabelKey = _text(
    r"(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?",
    "a Kubernetes label's key, such as karpenter.sh/capacity-type",
)
LabelValue = _text(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?",
    "a Kubernetes label's value: up to 63 letters, digits or _.-",
)
BuildCache = _text(
    "[a-z0-9][a-z0-9._:/-]*:[A-Za-z0-9_.-]+", "<repository>:<tag>, such as registry/team/api:cache"
)
SettingName = _text("TURNOUT_[A-Z0-9_]+", "a setting of the server, such as TURNOUT_LOG_LEVEL")
ScheduleName = _text("[a-z][a-z0-9-]{0,31}", "a name in lower case, such as nights")
TimeZone = _text("[A-Za-z]+(?:/[A-Za-z0-9_+-]+)*", "an IANA time zone, such as Asia/Seoul")
