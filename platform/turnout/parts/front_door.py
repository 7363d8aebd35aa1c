"""The one way in: an application load balancer with its listeners."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import pulumi
from pulumi_aws import ec2, lb, vpc

from turnout import naming
from turnout.config.surroundings import Certificate as CertificateConfig
from turnout.parts.access_logs import AccessLogs, AccessLogsArgs
from turnout.parts.account import Account
from turnout.parts.certificate import AliasArgs, Certificate, CertificateArgs, add_alias
from turnout.parts.tags import named

# TLS 1.3 and 1.2 only: Elastic Load Balancing, "Security policies for your Application Load
# Balancer".
TLS_POLICY: Final = "ELBSecurityPolicy-TLS13-1-2-2021-06"
HTTP: Final = 80
HTTPS: Final = 443
# Longer than the server's own bound, so that the server is the one to say 504.
_IDLE_MARGIN: Final = 5
_LEAST_IDLE: Final = 60
_KEEP_ALIVE_MARGIN: Final = 15


@dataclass(frozen=True, kw_only=True)
class FrontDoorArgs:
    """`certificate` None is plain HTTP; `request_timeout` is the server's, in seconds."""

    service: str
    access: Literal["internal", "internet"]
    vpc_id: pulumi.Input[str]
    vpc_cidr: pulumi.Input[str]
    more_cidrs: Sequence[str]
    """Who else reaches an internal balancer: the VPC's other blocks, and networks beside it."""
    subnet_ids: Sequence[pulumi.Input[str]]
    way_in: Sequence[pulumi.Resource]
    """What must stand before the balancer, and go after it: the internet gateway."""
    certificate: CertificateConfig | None
    request_timeout: int
    access_logs_days: int
    keep: bool
    """Outside dev: the balancer cannot be deleted or replaced, and its logs outlive it."""
    account: Account
    tags: Mapping[str, str]


class FrontDoor(pulumi.ComponentResource):
    """Load balancer, its security group, listeners, access logs and name."""

    balancer: pulumi.Resource
    arn: pulumi.Output[str]
    arn_suffix: pulumi.Output[str]
    """What CloudWatch calls the load balancer."""
    dns_name: pulumi.Output[str]
    url: pulumi.Output[str]
    security_group_id: pulumi.Output[str]
    listener_arn: pulumi.Output[str]
    """The listener that clients reach: HTTPS, or HTTP without a certificate."""
    certificate_arn: pulumi.Input[str] | None
    """None for plain HTTP."""

    def __init__(
        self, name: str, args: FrontDoorArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("turnout:parts:FrontDoor", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        group = self._security_group(name, args)
        logs = AccessLogs(
            f"{name}-logs",
            AccessLogsArgs(
                days=args.access_logs_days, keep=args.keep, account=args.account, tags=args.tags
            ),
            child,
        )
        balancer = lb.LoadBalancer(
            naming.logical(name, naming.LOAD_BALANCER),
            load_balancer_type="application",
            internal=args.access == "internal",
            ip_address_type="ipv4",
            security_groups=[group.id],
            subnets=list(args.subnet_ids),
            drop_invalid_header_fields=True,
            desync_mitigation_mode="defensive",
            idle_timeout=idle_timeout(args.request_timeout),
            enable_deletion_protection=args.keep,
            access_logs={"enabled": True, "bucket": logs.bucket, "prefix": logs.prefix},
            tags=args.tags,
            opts=pulumi.ResourceOptions(
                parent=self,
                # The balancer writes a test object the moment that logging is turned on.
                depends_on=[logs.writable, *args.way_in],
                # AWS's own protection speaks up when everything else is gone; the engine's before.
                protect=args.keep,
                # A balancer never moves to another VPC, as its group does not, and AWS says so only
                # half way through. (A replacement_trigger breaks a program's transforms.)
                replace_with=[group],
            ),
        )
        self.balancer = balancer
        self.arn = balancer.arn
        self.arn_suffix = balancer.arn_suffix
        self.dns_name = balancer.dns_name
        self.security_group_id = group.id
        self.certificate_arn = (
            None
            if args.certificate is None
            else self._certificate(name, args.certificate, args.tags)
        )
        listener = self._listeners(name, balancer, args)
        self.listener_arn = listener.arn
        self.url = self._address(name, balancer, args)
        self.register_outputs({"arn": self.arn, "dnsName": self.dns_name, "url": self.url})

    def _security_group(self, name: str, args: FrontDoorArgs) -> ec2.SecurityGroup:
        child = pulumi.ResourceOptions(parent=self)
        group = ec2.SecurityGroup(
            name,
            description="Load balancer",
            vpc_id=args.vpc_id,
            tags=named(args.tags, name),
            opts=child,
        )
        internal = args.access == "internal"
        callers: list[tuple[str, str, pulumi.Input[str]]] = [
            ("", "the VPC", args.vpc_cidr) if internal else ("", "the internet", "0.0.0.0/0"),
            *((f"-{cidr.replace('/', '-')}", cidr, cidr) for cidr in args.more_cidrs if internal),
        ]
        ports = {"http": HTTP} if args.certificate is None else {"http": HTTP, "https": HTTPS}
        for protocol, port in ports.items():
            for suffix, who, cidr in callers:
                vpc.SecurityGroupIngressRule(
                    f"{name}-{protocol}{suffix}",
                    security_group_id=group.id,
                    description=f"{protocol.upper()} from {who}",
                    cidr_ipv4=cidr,
                    ip_protocol="tcp",
                    from_port=port,
                    to_port=port,
                    tags=args.tags,
                    opts=child,
                )
        return group

    def _listeners(self, name: str, balancer: lb.LoadBalancer, args: FrontDoorArgs) -> lb.Listener:
        child = pulumi.ResourceOptions(parent=self)
        if self.certificate_arn is None:
            return lb.Listener(
                f"{name}-http",
                load_balancer_arn=balancer.arn,
                port=HTTP,
                protocol="HTTP",
                default_actions=[_NO_TIER],
                tags=args.tags,
                opts=child,
            )
        lb.Listener(
            f"{name}-http",
            load_balancer_arn=balancer.arn,
            port=HTTP,
            protocol="HTTP",
            default_actions=[_TO_HTTPS],
            tags=args.tags,
            opts=child,
        )
        return lb.Listener(
            f"{name}-https",
            load_balancer_arn=balancer.arn,
            port=HTTPS,
            protocol="HTTPS",
            ssl_policy=TLS_POLICY,
            certificate_arn=self.certificate_arn,
            default_actions=[_NO_TIER],
            tags=args.tags,
            opts=child,
        )

    def _certificate(
        self, name: str, certificate: CertificateConfig, tags: Mapping[str, str]
    ) -> pulumi.Input[str]:
        if certificate.arn is not None:
            return str(certificate.arn)
        # The stack file's rules hold that both are there when the ARN is not.
        domain, zone = certificate.domain or "", certificate.zone or ""
        return Certificate(
            f"{name}-certificate",
            CertificateArgs(domain=domain, zone=zone, tags=tags),
            pulumi.ResourceOptions(parent=self),
        ).arn

    def _address(
        self, name: str, balancer: lb.LoadBalancer, args: FrontDoorArgs
    ) -> pulumi.Output[str]:
        certificate = args.certificate
        if certificate is None:
            return pulumi.Output.concat("http://", balancer.dns_name)
        if certificate.domain is None or certificate.zone is None:
            return pulumi.Output.concat("https://", balancer.dns_name)
        domain = own_name(certificate.domain, args.service)
        add_alias(
            name,
            AliasArgs(
                domain=domain,
                zone=certificate.zone,
                balancer_dns_name=balancer.dns_name,
                balancer_zone_id=balancer.zone_id,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        return pulumi.Output.from_input(f"https://{domain}")


def own_name(domain: str, service: str) -> str:
    """The name of the service: the certificate's, or its own below that of a wildcard."""
    return domain.replace("*", service, 1)


def idle_timeout(request_timeout: int) -> int:
    """Seconds that the load balancer waits for an answer, given the server's own bound."""
    return max(request_timeout + _IDLE_MARGIN, _LEAST_IDLE)


def keep_alive(request_timeout: int) -> dict[str, str]:
    """The server's setting: an idle connection must outlast the load balancer's interest in it.

    Else the server may close it while a request is on its way, which is answered with 502.
    """
    return {"TURNOUT_KEEP_ALIVE": str(idle_timeout(request_timeout) + _KEEP_ALIVE_MARGIN)}


# Tiers come by rules of their own; this is heard only while there is none.
_NO_TIER: Final[lb.ListenerDefaultActionArgsDict] = {
    "type": "fixed-response",
    "fixed_response": {
        "status_code": "503",
        "content_type": "application/json",
        "message_body": json.dumps({"error": "no tier serves requests"}),
    },
}
_TO_HTTPS: Final[lb.ListenerDefaultActionArgsDict] = {
    "type": "redirect",
    "redirect": {"port": str(HTTPS), "protocol": "HTTPS", "status_code": "HTTP_301"},
}
