"""One dashboard a service."""

from dataclasses import dataclass

import pulumi
from pulumi_aws import cloudwatch

from turnout import naming
from turnout.parts.account import Account
from turnout.parts.dashboard_body import DashboardView, dashboard_body


@dataclass(frozen=True, kw_only=True)
class DashboardArgs:
    """`view` is what is shown."""

    view: DashboardView
    account: Account


class Dashboard(pulumi.ComponentResource):
    """A CloudWatch dashboard; it takes no tags."""

    url: pulumi.Output[str]

    def __init__(
        self, name: str, args: DashboardArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("turnout:parts:Dashboard", name, None, opts)
        dashboard = cloudwatch.Dashboard(
            name,
            dashboard_name=naming.fit(name, naming.DASHBOARD),
            dashboard_body=pulumi.Output.json_dumps(dashboard_body(args.view), sort_keys=True),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.url = pulumi.Output.concat(
            "https://",
            args.account.region,
            ".console.aws.amazon.com/cloudwatch/home?region=",
            args.account.region,
            "#dashboards/dashboard/",
            dashboard.dashboard_name,
        )
        self.register_outputs({"url": self.url})
