"""The AWS account: credentials, region, the certificate's region, quotas that a tier runs into."""

import importlib.util
from collections.abc import Iterator
from typing import Any, Final

from turnout.config import Ec2, Ecs, Eks, Lambda, ServiceConfig
from turnout.doctor.finding import Finding, good, missing, poor

# Service Quotas: service, code, what it counts.
_ADDRESSES: Final = ("ec2", "L-0263D0A3", "Elastic IPs")
_VPCS: Final = ("vpc", "L-F678F1CE", "VPCs")
_FARGATE: Final = ("fargate", "L-3032A538", "Fargate vCPUs")
_EC2: Final = ("ec2", "L-1216C47A", "vCPUs of standard instances")
_LAMBDA: Final = ("lambda", "L-B99A9384", "concurrent Lambda executions")
_UNITS_PER_VCPU: Final = 1024
# A new account may begin with 10; Lambda keeps 100 of them unreserved.
_LEAST_LAMBDA: Final = 100

Quota = tuple[tuple[str, str, str], float]


def examine_account(config: ServiceConfig, region: str | None) -> Iterator[Finding]:
    """What the AWS account has for the service. Asks AWS; nothing is changed."""
    if region is None:
        yield missing(
            "region",
            "the stack file has no aws:region",
            cost="Pulumi does not know where to deploy",
            fix="add `aws:region: ap-northeast-2` under config",
        )
        return
    yield good("region", region)
    yield from _certificate_region(config, region)
    if importlib.util.find_spec("boto3") is None:
        yield poor(
            "aws",
            "boto3 is not installed",
            cost="credentials and quotas are not looked at",
            fix=".venv/bin/python -m pip install boto3",
        )
        return
    yield from _ask(config, region)


def quotas_needed(config: ServiceConfig) -> tuple[Quota, ...]:
    """Quotas with the least value that the service takes by itself, at its largest."""
    needed: dict[tuple[str, str, str], float] = {}
    most = config.scaling.max
    create = config.network.create
    if create is not None and config.has_front_door:
        needed[_VPCS] = 1
        needed[_ADDRESSES] = {"single": 1, "per_zone": create.zones, "none": 0}[create.nat]
    for tier in config.tiers:
        match tier:
            case Ecs():
                needed[_FARGATE] = most * tier.cpu / _UNITS_PER_VCPU
            case Ec2() | Eks():
                needed[_EC2] = 2.0 * most
            case Lambda():
                needed[_LAMBDA] = (tier.reserved_concurrency or 0) + _LEAST_LAMBDA
            case _:
                continue
    return tuple((quota, least) for quota, least in needed.items() if least > 0)


def _certificate_region(config: ServiceConfig, region: str) -> Iterator[Finding]:
    arn = config.certificate.arn if config.certificate else None
    if arn is None:
        return
    found = arn.split(":")[3]
    if found == region:
        yield good("certificate", f"is in {region}")
    else:
        yield missing(
            "certificate",
            f"is in {found}, the service in {region}",
            cost="a load balancer takes certificates of its own region only",
            fix=f"request one in {region}, or give certificate.domain and certificate.zone",
        )


def _ask(config: ServiceConfig, region: str) -> Iterator[Finding]:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    session = boto3.session.Session(region_name=region)
    quick = Config(connect_timeout=3, read_timeout=10, retries={"total_max_attempts": 2})
    try:
        who = session.client("sts", config=quick).get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        yield missing(
            "credentials",
            str(error),
            cost="nothing can be deployed to AWS from here",
            fix="aws sso login, or set AWS_PROFILE",
        )
        return
    yield good("credentials", f"{who['Arn']} in account {who['Account']}")
    try:
        yield from _certificate_status(config, session.client("acm", config=quick))
        client = session.client("service-quotas", config=quick)
        for (service, code, what), least in quotas_needed(config):
            yield quota_finding(client, service, code, what, least)
    except (BotoCoreError, ClientError) as error:
        yield poor(
            "quotas",
            str(error),
            cost="quotas are not looked at",
            fix="allow servicequotas:GetServiceQuota and acm:DescribeCertificate",
        )


def _certificate_status(config: ServiceConfig, client: Any) -> Iterator[Finding]:
    arn = config.certificate.arn if config.certificate else None
    if arn is None or arn.split(":")[3] != client.meta.region_name:
        return
    status = client.describe_certificate(CertificateArn=arn)["Certificate"]["Status"]
    if status == "ISSUED":
        yield good("certificate", "is issued")
    else:
        yield missing(
            "certificate",
            f"is {status}",
            cost="the load balancer refuses it",
            fix="finish its validation in ACM",
        )


def quota_finding(client: Any, service: str, code: str, what: str, least: float) -> Finding:
    """Whether the account's quota is `least` or more. Raises botocore's errors."""
    try:
        found = client.get_service_quota(ServiceCode=service, QuotaCode=code)
    except client.exceptions.NoSuchResourceException:
        # A quota that was never raised has AWS's default.
        found = client.get_aws_default_service_quota(ServiceCode=service, QuotaCode=code)
    value = float(found["Quota"]["Value"])
    if value >= least:
        return good("quota", f"{what}: {value:g}, the service takes up to {least:g}")
    return missing(
        "quota",
        f"{what}: {value:g}, the service takes up to {least:g}",
        cost="the service cannot grow to scaling.max, or is not made at all",
        fix=f"aws service-quotas request-service-quota-increase --service-code {service} "
        f"--quota-code {code} --desired-value {least:g}",
    )
