"""The firewall before the load balancer: AWS WAF with logs that hold no secret."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import pulumi
from pulumi_aws import wafv2

from turnout.config.surroundings import Access, Logs
from turnout.config.surroundings import Firewall as FirewallConfig
from turnout.parts.firewall_rules import visibility, web_acl_rules
from turnout.parts.logs import LogGroup, LogGroupArgs

# AWS WAF takes only log groups whose name starts so.
_LOG_PREFIX: Final = "aws-waf-logs-"
# Where clients put their keys.
_SECRET_HEADERS: Final = ("authorization", "cookie", "x-api-key")


@dataclass(frozen=True, kw_only=True)
class FirewallArgs:
    """What stands behind the firewall, and how strict it is."""

    config: FirewallConfig
    access: Access
    load_balancer_arn: pulumi.Input[str]
    logs: Logs
    tags: Mapping[str, str]


class Firewall(pulumi.ComponentResource):
    """A web ACL on the load balancer, and a log of what it blocked or counted."""

    arn: pulumi.Output[str]
    metric_name: str

    def __init__(
        self, name: str, args: FirewallArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("turnout:parts:Firewall", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        acl = wafv2.WebAcl(
            name,
            scope="REGIONAL",
            description="Before the load balancer",
            default_action={"allow": {}},
            # Plain data, which no type of the SDK's fits.
            rules=cast("Any", web_acl_rules(name, args.config, args.access)),
            visibility_config=cast("Any", visibility(name)),
            tags=args.tags,
            opts=child,
        )
        wafv2.WebAclAssociation(
            name, resource_arn=args.load_balancer_arn, web_acl_arn=acl.arn, opts=child
        )
        group = LogGroup(
            name,
            LogGroupArgs(log_group_name=f"{_LOG_PREFIX}{name}", logs=args.logs, tags=args.tags),
            child,
        )
        wafv2.WebAclLoggingConfiguration(
            name,
            resource_arn=acl.arn,
            log_destination_configs=[group.arn],
            redacted_fields=[{"single_header": {"name": header}} for header in _SECRET_HEADERS],
            # What passed is in the load balancer's own log; what is only counted has matched in a
            # body, and the entry would quote the comment.
            logging_filter={
                "default_behavior": "DROP",
                "filters": [
                    {
                        "behavior": "KEEP",
                        "requirement": "MEETS_ANY",
                        "conditions": [{"action_condition": {"action": "BLOCK"}}],
                    }
                ],
            },
            opts=child,
        )
        self.arn = acl.arn
        self.metric_name = name
        self.register_outputs({"arn": self.arn})
