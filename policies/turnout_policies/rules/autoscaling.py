"""Auto scaling groups, and the scaling of services."""

from __future__ import annotations

from turnout_policies.facts.services import service_of
from turnout_policies.facts.tokens import (
    AUTOSCALING_GROUP,
    AUTOSCALING_POLICY,
    ECS_SERVICE,
    SCALABLE_TARGET,
    SCALING_POLICY,
)
from turnout_policies.properties import Properties
from turnout_policies.resources import canonical_type
from turnout_policies.rule import Context, Finding, Level, Outcomes, Rule, Severity, any_holds


def _elb_health_check(group: Properties, context: Context) -> Outcomes:
    if service_of(group, context.stack) is None:
        return
    if group.text("healthCheckType").upper() != "ELB":
        yield Finding(
            f"healthCheckType is {group.text('healthCheckType') or 'EC2'}: an instance whose "
            "server is dead stays",
            "healthCheckType",
        )


def _spans_zones(group: Properties, _: Context) -> Outcomes:
    for key in ("vpcZoneIdentifiers", "availabilityZones"):
        if group.has(key):
            count = len(group.each(key))
            if count < 2:
                yield Finding(f"{key} names {count} place", key)
            return


def _launch_template(group: Properties, _: Context) -> Outcomes:
    if group.has("launchConfiguration"):
        yield Finding("it starts instances from a launch configuration", "launchConfiguration")


def _spot_types(group: Properties, _: Context) -> Outcomes:
    policy = group.at("mixedInstancesPolicy")
    if not policy.has():
        return
    share = policy.number("instancesDistribution", "onDemandPercentageAboveBaseCapacity")
    if share is None or share >= 100:
        return
    overrides = policy.each("launchTemplate", "overrides")
    by_need = any_holds(overrides, lambda item: item.has("instanceRequirements"))
    if len(overrides) < 2 and not by_need:
        yield Finding(f"{100 - share:g} % spot from {max(len(overrides), 1)} instance type")


def _has_scaling_policy(target: Properties, context: Context) -> Outcomes:
    if canonical_type(target.resource.type) == AUTOSCALING_GROUP:
        low, high = target.number("minSize"), target.number("maxSize")
        if service_of(target, context.stack) is None or low is None or low == high:
            return
        policies = context.stack.referrers(target, "autoscalingGroupName", AUTOSCALING_POLICY)
    else:
        policies = _policies_of(target, context)
    if not policies:
        yield Finding("it may scale, but no policy says when")


def _policies_of(target: Properties, context: Context) -> list[Properties]:
    """The policies of a scalable target, by its output, its text, or the service that both name."""
    stack = context.stack
    found = stack.configuring(target, "resourceId", "resourceId", SCALING_POLICY)
    scaled = {item.resource.urn for item in stack.targets(target.at("resourceId"))}
    return found or [
        policy
        for policy in stack.of(SCALING_POLICY)
        if any(item.resource.urn in scaled for item in stack.targets(policy.at("resourceId")))
    ]


def _bounds(target: Properties, _: Context) -> Outcomes:
    if canonical_type(target.resource.type) == AUTOSCALING_GROUP:
        low, high = target.number("minSize"), target.number("maxSize")
    else:
        low, high = target.number("minCapacity"), target.number("maxCapacity")
    if low is not None and high is not None and low > high:
        yield Finding(f"at least {low:g} and at most {high:g}: no number is both")
    elif high == 0:
        yield Finding("at most 0 copies: it can never run")


def _desired_count_left_alone(service: Properties, context: Context) -> Outcomes:
    stack = context.stack
    targets = stack.referrers(service, "resourceId", SCALABLE_TARGET)
    for target in targets:
        low, high = target.number("minCapacity"), target.number("maxCapacity")
        desired = service.number("desiredCount")
        if desired is None or low is None or high is None or low > high:
            continue
        if not low <= desired <= high:
            yield Finding(
                f"desiredCount {desired:g} is outside the autoscaler's {low:g} to {high:g}",
                "desiredCount",
            )


RULES = (
    Rule(
        id="autoscaling-group-elb-health-check",
        title="An auto scaling group behind a load balancer believes its health checks",
        why="EC2's own check sees a running machine where the balancer sees a dead server.",
        concern="reliability",
        severity=Severity.HIGH,
        scope="stack",
        types=(AUTOSCALING_GROUP,),
        check=_elb_health_check,
        elsewhere=("FSBP AutoScaling.1", "cdk-nag AS2"),
        remediation='health_check_type="ELB", health_check_grace_period=120',
    ),
    Rule(
        id="autoscaling-group-spans-zones",
        title="An auto scaling group covers two zones or more",
        why="With one zone, the zone's outage is the service's.",
        concern="reliability",
        severity=Severity.MEDIUM,
        types=(AUTOSCALING_GROUP,),
        check=_spans_zones,
        elsewhere=("FSBP AutoScaling.2",),
        remediation="vpc_zone_identifiers=[subnet_a.id, subnet_b.id]",
    ),
    Rule(
        id="autoscaling-group-launch-template",
        title="An auto scaling group starts from a launch template",
        why="Launch configurations cannot mix spot, cannot require newer features, and AWS "
        "stopped extending them.",
        concern="reliability",
        severity=Severity.MEDIUM,
        level=Level.ADVISORY,
        scope="stack",
        types=(AUTOSCALING_GROUP,),
        check=_launch_template,
        elsewhere=("FSBP AutoScaling.9",),
        remediation='launch_template={"id": template.id, "version": template.latest_version}',
    ),
    Rule(
        id="autoscaling-spot-several-types",
        title="A group that buys spot instances accepts several types",
        why="When one type runs out, so does the service that takes no other.",
        concern="reliability",
        severity=Severity.MEDIUM,
        level=Level.ADVISORY,
        types=(AUTOSCALING_GROUP,),
        check=_spot_types,
        elsewhere=("FSBP AutoScaling.6",),
        remediation='"overrides": [{"instance_type": "c5.xlarge"}, {"instance_type": "m5.xlarge"}]',
    ),
    Rule(
        id="autoscaling-has-policy",
        title="What may scale has a policy that scales it",
        why="Bounds without a policy read like autoscaling and never move.",
        concern="reliability",
        severity=Severity.MEDIUM,
        scope="stack",
        types=(AUTOSCALING_GROUP, SCALABLE_TARGET),
        check=_has_scaling_policy,
        elsewhere=("cdk-nag AS1",),
        remediation='aws.appautoscaling.Policy(..., policy_type="TargetTrackingScaling", ...)',
    ),
    Rule(
        id="autoscaling-bounds",
        title="The bounds of scaling leave room to run",
        why="Bounds that exclude each other are found out when the service is needed.",
        concern="reliability",
        severity=Severity.HIGH,
        types=(AUTOSCALING_GROUP, SCALABLE_TARGET),
        check=_bounds,
        remediation="min_capacity=2, max_capacity=10",
    ),
    Rule(
        id="ecs-service-count-within-bounds",
        title="An ECS service starts within its autoscaler's bounds",
        why="A count outside them is corrected at once, by starting or by killing tasks.",
        concern="reliability",
        severity=Severity.LOW,
        level=Level.ADVISORY,
        scope="stack",
        types=(ECS_SERVICE,),
        check=_desired_count_left_alone,
        remediation="desired_count=2  # between min_capacity and max_capacity",
    ),
)
