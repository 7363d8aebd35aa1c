"""The services of a stack: what answers requests, and which resources its metrics are named by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from turnout_policies.facts import alarms
from turnout_policies.facts.alarms import Metric, Signal
from turnout_policies.facts.tokens import (
    AUTOSCALING_ATTACHMENT,
    AUTOSCALING_GROUP,
    CLASSIC_LOAD_BALANCER,
    ECS_CAPACITY_PROVIDER,
    ECS_CLUSTER,
    ECS_SERVICE,
    EKS_CLUSTER,
    FUNCTION,
    FUNCTION_ALIAS,
    FUNCTION_PERMISSION,
    FUNCTION_URL,
    IAM_ROLE,
    IAM_ROLE_ATTACHMENT,
    LISTENER,
    LISTENER_RULE,
    LOAD_BALANCER,
    TARGET_GROUP,
    TARGET_GROUP_ATTACHMENT,
)
from turnout_policies.properties import NotKnownYet, Properties
from turnout_policies.resources import canonical_type
from turnout_policies.rule import any_holds
from turnout_policies.stack import Stack

Tier = Literal["ecs", "ec2", "eks", "lambda"]

# Custom resources that bind pods to a target group: Auto Mode's and the controller's own.
TARGET_GROUP_BINDINGS = (
    "kubernetes:eks.amazonaws.com/v1:TargetGroupBinding",
    "kubernetes:elbv2.k8s.aws/v1beta1:TargetGroupBinding",
)
SERVICE_TYPES = (ECS_SERVICE, AUTOSCALING_GROUP, FUNCTION, *TARGET_GROUP_BINDINGS)
_BALANCER_NAMESPACES = ("AWS/ApplicationELB", "AWS/NetworkELB", "AWS/ELB")
_NAMESPACES: dict[Tier, tuple[str, ...]] = {
    "ecs": ("AWS/ECS", "ECS/ContainerInsights"),
    "ec2": ("AWS/EC2", "CWAgent"),
    "eks": ("ContainerInsights",),
    "lambda": ("AWS/Lambda", "LambdaInsights"),
}
# In the name of the layer and of the managed policy.
_INSIGHTS = "LambdaInsights"
_API_GATEWAY = "apigateway.amazonaws.com"


@dataclass(frozen=True, slots=True)
class Service:
    """Something that answers requests, with the target groups that send them."""

    tier: Tier
    subject: Properties
    target_groups: tuple[Properties, ...]
    classic_balancers: tuple[Properties, ...] = ()
    """Load balancers of the first generation, which know no target groups."""

    @property
    def behind_balancer(self) -> bool:
        return bool(self.target_groups or self.classic_balancers)


def service_of(subject: Properties, stack: Stack) -> Service | None:
    """The service that a resource is, or None: a worker, a helper function, a node group."""
    match canonical_type(subject.resource.type):
        case t if t == ECS_SERVICE:
            groups = stack.targets(subject.at("loadBalancers"), TARGET_GROUP)
            return Service("ecs", subject, tuple(groups))
        case t if t == AUTOSCALING_GROUP:
            if stack.referrers(subject, "autoScalingGroupProvider", ECS_CAPACITY_PROVIDER):
                return None
            groups = _target_groups_of_group(subject, stack)
            classic = _classic_balancers_of_group(subject, stack)
            behind = groups or classic or subject.has("loadBalancers")
            return Service("ec2", subject, tuple(groups), tuple(classic)) if behind else None
        case t if t == FUNCTION:
            groups = _target_groups_of_function(subject, stack)
            answers = groups or _is_asked_directly(subject, stack)
            return Service("lambda", subject, tuple(groups)) if answers else None
        case _:
            groups = stack.targets(subject.at("spec"), TARGET_GROUP)
            return Service("eks", subject, tuple(groups))


def _target_groups_of_group(group: Properties, stack: Stack) -> list[Properties]:
    found = stack.targets(group.at("targetGroupArns"), TARGET_GROUP)
    for attachment in stack.referrers(group, "autoscalingGroupName", AUTOSCALING_ATTACHMENT):
        found += stack.targets(attachment.at("lbTargetGroupArn"), TARGET_GROUP)
    return found


def _classic_balancers_of_group(group: Properties, stack: Stack) -> list[Properties]:
    found = stack.targets(group.at("loadBalancers"), CLASSIC_LOAD_BALANCER)
    for attachment in stack.referrers(group, "autoscalingGroupName", AUTOSCALING_ATTACHMENT):
        found += stack.targets(attachment.at("elb"), CLASSIC_LOAD_BALANCER)
    return found


def _target_groups_of_function(function: Properties, stack: Stack) -> list[Properties]:
    named = [function, *stack.referrers(function, "functionName", FUNCTION_ALIAS)]
    attachments = [
        item
        for subject in named
        for item in stack.referrers(subject, "targetId", TARGET_GROUP_ATTACHMENT)
    ]
    return [
        group
        for attachment in attachments
        for group in stack.targets(attachment.at("targetGroupArn"), TARGET_GROUP)
    ]


def _is_asked_directly(function: Properties, stack: Stack) -> bool:
    """Whether a function answers requests through a URL of its own or an API."""
    if stack.referrers(function, "functionName", FUNCTION_URL):
        return True
    permissions = stack.referrers(function, "function", FUNCTION_PERMISSION)
    return any_holds(permissions, lambda item: item.text("principal") == _API_GATEWAY)


def load_balancers_of(group: Properties, stack: Stack) -> list[Properties]:
    """The load balancers whose listeners forward to a target group."""
    balancers = []
    for listener in stack.referrers(group, "defaultActions", LISTENER):
        balancers += stack.targets(listener.at("loadBalancerArn"), LOAD_BALANCER)
    for rule in stack.referrers(group, "actions", LISTENER_RULE):
        for listener in stack.targets(rule.at("listenerArn"), LISTENER):
            balancers += stack.targets(listener.at("loadBalancerArn"), LOAD_BALANCER)
    return balancers


def speaks_http(group: Properties) -> bool:
    """Whether a target group is an application load balancer's, which reads what it passes on."""
    return group.text("protocol").upper() in ("", "HTTP", "HTTPS")


def is_met_through_network(subject: Properties, stack: Stack) -> bool:
    """Whether an ECS service's network load balancer has no group that it could be named by.

    Such a balancer hands on its clients' addresses, so the service must let the internet in.
    """
    if canonical_type(subject.resource.type) != ECS_SERVICE:
        return False
    groups = stack.targets(subject.at("loadBalancers"), TARGET_GROUP)
    balancers = [balancer for group in groups for balancer in load_balancers_of(group, stack)]
    return any_holds(
        balancers,
        lambda item: item.text("loadBalancerType") == "network" and not item.has("securityGroups"),
    )


def measures(service: Service, signal: Signal, stack: Stack) -> bool:
    """Whether a tier has a metric for a signal at all."""
    match signal:
        case "healthy hosts":
            return service.behind_balancer and service.tier != "lambda"
        case "response time" | "errors":
            answers = service.tier == "lambda" or bool(service.classic_balancers)
            return answers or any_holds(service.target_groups, speaks_http)
        case "memory":
            return service.tier != "lambda" or _has_lambda_insights(service.subject, stack)
        case "cpu":
            return True


def _has_lambda_insights(function: Properties, stack: Stack) -> bool:
    if any_holds(function.each("layers"), lambda layer: _INSIGHTS in layer.text()):
        return True
    attachments = [
        item
        for role in stack.targets(function.at("role"), IAM_ROLE)
        for item in stack.referrers(role, "role", IAM_ROLE_ATTACHMENT)
    ]
    return any_holds(attachments, lambda item: _INSIGHTS in item.text("policyArn"))


def tells(alarm: Properties, signal: Signal, service: Service, stack: Stack) -> bool:
    """Whether an alarm goes off when this signal of this service turns bad."""
    return alarms.watches(alarm, signal) and _is_about(alarm, signal, service, stack)


def _is_about(alarm: Properties, signal: Signal, service: Service, stack: Stack) -> bool:
    return any(
        _metric_is_about(metric, service, stack)
        for metric in alarms.metrics(alarm)
        if metric.tells(signal)
    )


def _metric_is_about(metric: Metric, service: Service, stack: Stack) -> bool:
    if metric.namespace not in (*_BALANCER_NAMESPACES, *_NAMESPACES[service.tier]):
        return False
    subjects = _named_by(metric, service, stack)
    urns = {item.resource.urn for item in stack.targets(metric.dimensions)}
    if any(subject.resource.urn in urns for subject in subjects):
        return True
    return _names_literally(metric, subjects)


def _named_by(metric: Metric, service: Service, stack: Stack) -> list[Properties]:
    """The resources that a metric of this service has in its dimensions."""
    if metric.namespace == "AWS/ELB":
        return list(service.classic_balancers)
    if metric.namespace in _BALANCER_NAMESPACES:
        groups = list(service.target_groups)
        if _has_dimension(metric, "TargetGroup", TARGET_GROUP, stack):
            return groups
        return [item for group in groups for item in load_balancers_of(group, stack)]
    match service.tier:
        case "ecs":
            if _has_dimension(metric, "ServiceName", ECS_SERVICE, stack):
                return [service.subject]
            return stack.targets(service.subject.at("cluster"), ECS_CLUSTER)
        case "ec2":
            return [service.subject]
        case "lambda":
            aliases = stack.referrers(service.subject, "functionName", FUNCTION_ALIAS)
            return [service.subject, *aliases]
        case "eks":
            return stack.of(EKS_CLUSTER)


def _has_dimension(metric: Metric, name: str, type_: str, stack: Stack) -> bool:
    """Whether a metric is of one thing of a type, rather than of all that are in something."""
    dimensions = metric.dimensions
    if dimensions.known:
        return any(key == name for key, _ in dimensions.entries())
    return bool(stack.targets(dimensions, type_))


_NAME_KEYS = ("name", "arnSuffix", "id")


def _names_literally(metric: Metric, subjects: list[Properties]) -> bool:
    """Whether a dimension is the very name of one of the resources."""
    names = set()
    for subject in subjects:
        name = subject.resource.properties.get("name")
        names.add(name if isinstance(name, str) else "")
        for key in _NAME_KEYS:
            output = subject.resource.outputs.get(key)
            names.add(output if isinstance(output, str) else "")
    names.discard("")
    dimensions = metric.dimensions
    if not dimensions.known:
        # An unknown of which the plan says no source may be any name.
        if not dimensions.referred_urns():
            raise NotKnownYet(dimensions.path, dimensions.resource)
        return False
    missing: NotKnownYet | None = None
    for _, value in dimensions.entries():
        if not value.known:
            if not value.referred_urns():
                missing = missing or NotKnownYet(value.path, value.resource)
        elif value.text() in names:
            return True
    if missing is not None:
        raise missing
    return False
