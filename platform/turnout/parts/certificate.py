"""A certificate for a domain, proven by DNS, and the domain's way to the load balancer."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_aws import acm, route53


@dataclass(frozen=True, kw_only=True)
class CertificateArgs:
    """`zone` is the id of the public hosted zone that answers for `domain`."""

    domain: str
    zone: str
    tags: Mapping[str, str]


class Certificate(pulumi.ComponentResource):
    """An ACM certificate that is issued when `arn` is known."""

    arn: pulumi.Output[str]

    def __init__(
        self, name: str, args: CertificateArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("turnout:parts:Certificate", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        certificate = acm.Certificate(
            name,
            domain_name=args.domain,
            validation_method="DNS",
            tags=args.tags,
            opts=child,
        )
        proof = certificate.domain_validation_options[0]
        record = route53.Record(
            name,
            zone_id=args.zone,
            name=proof.resource_record_name.apply(str),
            type=proof.resource_record_type.apply(str),
            records=[proof.resource_record_value.apply(str)],
            ttl=300,
            # The same domain in another stack or region is proven by the very same record.
            allow_overwrite=True,
            # So it outlives this stack: without it the other one could not renew its certificate.
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
        )
        issued = acm.CertificateValidation(
            name,
            certificate_arn=certificate.arn,
            validation_record_fqdns=[record.fqdn],
            opts=child,
        )
        self.arn = issued.certificate_arn
        self.register_outputs({"arn": self.arn})


@dataclass(frozen=True, kw_only=True)
class AliasArgs:
    """The load balancer's own name and zone, for `domain` in `zone`."""

    domain: str
    zone: str
    balancer_dns_name: pulumi.Input[str]
    balancer_zone_id: pulumi.Input[str]


def add_alias(name: str, args: AliasArgs, opts: pulumi.ResourceOptions) -> None:
    """Let `domain` mean the load balancer."""
    route53.Record(
        name,
        zone_id=args.zone,
        name=args.domain,
        type="A",
        aliases=[
            {
                "name": args.balancer_dns_name,
                "zone_id": args.balancer_zone_id,
                "evaluate_target_health": True,
            }
        ],
        opts=opts,
    )
