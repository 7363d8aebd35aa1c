"""The function, its alias, and the way in."""

import pulumi
from pulumi_aws import ec2, lambda_, lb

from turnout import contract, naming
from turnout.config.target import Lambda
from turnout.parts.identity import Role, RoleArgs
from turnout.parts.logs import LogGroup, LogGroupArgs
from turnout.parts.security_group import ServiceSecurityGroup, ServiceSecurityGroupArgs
from turnout.parts.statements import Statement, read_at_start, trust, write_logs
from turnout.targets.lambda_.runtime import ALIAS, environment, ephemeral_storage_mb
from turnout.targets.lambda_.signals import MemoryMetric, record_memory, signals
from turnout.targets.tier import Door, TierArgs, server_environment


class LambdaTarget(pulumi.ComponentResource):
    """The service as an image function in private subnets."""

    deployment: contract.Deployment

    def __init__(
        self, name: str, args: TierArgs[Lambda], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("turnout:targets:Lambda", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        function_name = naming.fit(f"{args.workload.name}-{pulumi.get_stack()}", naming.FUNCTION)
        group = ServiceSecurityGroup(
            name,
            ServiceSecurityGroupArgs(
                vpc_id=args.place.vpc_id,
                # Requests come through the Lambda service, never through the network.
                balancer_group_id=None,
                port=args.workload.port,
                tags=args.tags,
            ),
            child,
        )
        log_group = LogGroup(
            name,
            LogGroupArgs(
                log_group_name=f"/aws/lambda/{function_name}", logs=args.logs, tags=args.tags
            ),
            child,
        )
        role = self._role(name, args, log_group)
        function = self._function(name, function_name, args, role, group, log_group)
        alias = lambda_.Alias(
            name,
            name=ALIAS,
            description="The version that requests go to",
            function_name=function.name,
            function_version=function.version,
            opts=child,
        )
        if args.tier.provisioned_concurrency:
            lambda_.ProvisionedConcurrencyConfig(
                name,
                function_name=function.name,
                qualifier=alias.name,
                provisioned_concurrent_executions=args.tier.provisioned_concurrency,
                opts=child,
            )
        url = self._way_in(name, args.door, function, alias)
        memory = MemoryMetric(namespace=f"turnout/{function_name}", size_mb=args.tier.memory)
        record_memory(name, log_group.name, memory, child)
        self.deployment = contract.Deployment(
            kind="lambda",
            architecture=args.tier.architecture,
            target_group=args.door.target_group if args.door else None,
            security_group_id=group.id,
            log_group=log_group.name,
            url=url,
            signals=signals(function.name, args.tier, args.alarms, args.door, memory),
            ready=(self,),
        )
        self.register_outputs({"functionName": function.name, "aliasArn": alias.arn, "url": url})

    def _role(self, name: str, args: TierArgs[Lambda], log_group: LogGroup) -> Role:
        workload = args.workload
        return Role(
            name,
            RoleArgs(
                description=f"What {workload.name} may do on Lambda",
                trust=trust("lambda.amazonaws.com"),
                statements=[
                    write_logs(log_group.arn),
                    _JOIN_VPC,
                    _TRACE,
                    *read_at_start(workload, args.account),
                ],
                tags=args.tags,
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def _function(
        self,
        name: str,
        function_name: str,
        args: TierArgs[Lambda],
        role: Role,
        group: ServiceSecurityGroup,
        log_group: LogGroup,
    ) -> lambda_.Function:
        tier, workload = args.tier, args.workload
        fetches_model = workload.model is not None
        default_group = ec2.get_security_group_output(
            vpc_id=args.place.vpc_id, name="default", opts=pulumi.InvokeOptions(parent=self)
        )
        return lambda_.Function(
            name,
            name=function_name,
            description=f"{workload.name}: text classification",
            package_type="Image",
            image_uri=workload.image,
            architectures=[tier.architecture],
            role=role.arn,
            memory_size=tier.memory,
            timeout=tier.timeout,
            ephemeral_storage={"size": ephemeral_storage_mb(fetches_model=fetches_model)},
            environment={
                "variables": {
                    **server_environment(workload),
                    **environment(workload.port, fetches_model=fetches_model),
                }
            },
            vpc_config={
                "subnet_ids": list(args.place.subnet_ids),
                "security_group_ids": [group.id],
            },
            tracing_config={"mode": "Active"},
            reserved_concurrent_executions=(
                -1 if tier.reserved_concurrency is None else tier.reserved_concurrency
            ),
            publish=True,
            # The function's network interfaces live on for a while; the group must not wait.
            replace_security_groups_on_destroy=True,
            replacement_security_group_ids=[default_group.id],
            tags=args.tags,
            # A start before the role may join the VPC, or before there is a way out, fails; and
            # where the log group is not there yet, Lambda makes one that keeps logs for ever.
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[*role.permissions, *group.edges, *args.place.routes, log_group],
            ),
        )

    def _way_in(
        self, name: str, door: Door | None, function: lambda_.Function, alias: lambda_.Alias
    ) -> pulumi.Output[str] | None:
        """The load balancer, or a URL that only IAM identities of the account can call."""
        child = pulumi.ResourceOptions(parent=self)
        if door is None:
            own = lambda_.FunctionUrl(
                name,
                function_name=function.name,
                qualifier=alias.name,
                authorization_type="AWS_IAM",
                invoke_mode="BUFFERED",
                opts=child,
            )
            return own.function_url
        permission = lambda_.Permission(
            name,
            action="lambda:InvokeFunction",
            function=function.name,
            qualifier=alias.name,
            principal="elasticloadbalancing.amazonaws.com",
            source_arn=door.target_group.arn,
            opts=child,
        )
        lb.TargetGroupAttachment(
            name,
            target_group_arn=door.target_group.arn,
            target_id=alias.arn,
            # The load balancer tries the function when it is registered.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[permission]),
        )
        return None


# AWS, "Giving Lambda functions access to resources in an Amazon VPC", "Required IAM permissions":
# interfaces that do not exist yet have no ARN to be named by.
_JOIN_VPC = Statement(
    sid="JoinVpc",
    actions=[
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:UnassignPrivateIpAddresses",
    ],
    resources=["*"],
)
# AWS, "Actions, resources, and condition keys for AWS X-Ray": neither action takes a resource.
_TRACE = Statement(
    sid="WriteTraces",
    actions=["xray:PutTelemetryRecords", "xray:PutTraceSegments"],
    resources=["*"],
)
