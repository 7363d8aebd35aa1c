"""EC2: launch templates, auto scaling groups and what hangs on them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tests.engine.standin.aws.balancing import GROUP as TARGET_GROUP
from tests.engine.standin.aws.balancing import is_behind_balancer
from tests.engine.standin.aws.rules import base64_reason
from tests.engine.standin.aws.support import by, exactly_one, known, numbered, refuse
from tests.engine.standin.cloud import ACCOUNT, Record
from tests.engine.standin.kinds import Autoname, Call, Inputs, Kind
from tests.engine.standin.shapes import Problem

TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
SCALING_GROUP = "aws:autoscaling/group:Group"
HOOK = "aws:autoscaling/lifecycleHook:LifecycleHook"
POLICY = "aws:autoscaling/policy:Policy"
SCHEDULE = "aws:autoscaling/schedule:Schedule"
PROFILE = "aws:iam/instanceProfile:InstanceProfile"
USER_DATA_LIMIT = 16 * 1024
INSTANCE_TYPE = re.compile(r"[a-z][a-z0-9-]*\.(nano|micro|small|medium|metal|\d*x?large)")


def _check_template(inputs: Inputs) -> Iterator[Problem]:
    kind = inputs.get("instanceType")
    if known(kind) and not INSTANCE_TYPE.fullmatch(kind):
        yield Problem("instanceType", f"{kind!r} is no instance type")
    image = inputs.get("imageId")
    if known(image) and not re.fullmatch(r"ami-[0-9a-f]{8,17}|resolve:ssm:/.+", image):
        yield Problem("imageId", f"InvalidAMIID.Malformed: {image!r}")
    data = inputs.get("userData")
    if known(data) and (reason := base64_reason(data)):
        yield Problem("userData", f"InvalidUserData.Malformed: {reason}")
    elif known(data) and 3 * len(data) // 4 - data.count("=") > USER_DATA_LIMIT:
        yield Problem("userData", f"user data is limited to {USER_DATA_LIMIT} bytes")
    if inputs.get("vpcSecurityGroupIds") and inputs.get("networkInterfaces"):
        yield Problem("networkInterfaces", "with interfaces, groups belong to the interface")
    profile = inputs.get("iamInstanceProfile") or {}
    if profile.get("arn") is not None and profile.get("name") is not None:
        yield Problem("iamInstanceProfile", "arn or name, not both")


def _admit_template(inputs: Inputs, call: Call, _own: Record | None) -> None:
    name = (inputs.get("iamInstanceProfile") or {}).get("name")
    if name and not call.cloud.find(PROFILE, None, name=name):
        refuse(f"InvalidParameterValue: no instance profile {name!r}")


def _template_outputs(_inputs: Inputs, call: Call, identity: str) -> dict[str, Any]:
    record = call.cloud.find(TEMPLATE, call.region, id=identity)
    version = (record.outputs.get("latestVersion", 0) if record else 0) + 1
    arn = call.arn("ec2", f"launch-template/{identity}")
    return {"arn": arn, "latestVersion": version, "defaultVersion": 1}


def _check_group(inputs: Inputs) -> Iterator[Problem]:
    low, high, wanted = (inputs.get(n) for n in ("minSize", "maxSize", "desiredCapacity"))
    if known(low) and known(high) and low > high:
        yield Problem("minSize", f"minSize {low} is above maxSize {high}")
    if known(wanted) and known(low) and known(high) and not low <= wanted <= high:
        yield Problem("desiredCapacity", f"{wanted} is not between {low} and {high}")
    yield from exactly_one(inputs, "launchTemplate", "launchConfiguration", "mixedInstancesPolicy")
    if not inputs.get("vpcZoneIdentifiers") and not inputs.get("availabilityZones"):
        yield Problem("vpcZoneIdentifiers", "a group needs subnets or zones")


def _group_outputs(inputs: Inputs, call: Call, identity: str) -> dict[str, Any]:
    unique = f"{call.cloud.next_hex(8)}:autoScalingGroupName/{identity}"
    return {
        "arn": call.arn("autoscaling", f"autoScalingGroup:{unique}"),
        "desiredCapacity": inputs.get("desiredCapacity", inputs.get("minSize")),
        "healthCheckType": inputs.get("healthCheckType", "EC2"),
    }


def _check_policy(inputs: Inputs) -> Iterator[Problem]:
    if inputs.get("policyType") == "TargetTrackingScaling":
        target = inputs.get("targetTrackingConfiguration")
        if target is None:
            yield Problem("targetTrackingConfiguration", "target tracking needs its configuration")
        else:
            yield from tracking_problems(target, "targetTrackingConfiguration")


def tracking_problems(target: Inputs, path: str) -> Iterator[Problem]:
    predefined = target.get("predefinedMetricSpecification")
    if (predefined is None) == (target.get("customizedMetricSpecification") is None):
        yield Problem(path, "one of predefined and customized metric must be given")
    kind = (predefined or {}).get("predefinedMetricType")
    label = (predefined or {}).get("resourceLabel")
    if kind == "ALBRequestCountPerTarget" and label is None:
        yield Problem(path, "ALBRequestCountPerTarget needs a resourceLabel")
    if known(label) and not re.fullmatch(r"app/[^/]+/[^/]+/targetgroup/[^/]+/[^/]+", label):
        yield Problem(path, f"{label!r} is no resourceLabel: app/…/…/targetgroup/…/…")


def need_tracked_balancer(target: Inputs, call: Call) -> None:
    """A policy on requests per target needs its target group behind that load balancer."""
    label = (target.get("predefinedMetricSpecification") or {}).get("resourceLabel")
    if label:
        suffix = "targetgroup" + label.partition("/targetgroup")[2]
        group = call.cloud.find(TARGET_GROUP, call.region, arnSuffix=suffix)
        if not group or not is_behind_balancer(group.id, call):
            refuse(f"ValidationException: {label} is no target group behind a load balancer")


def _admit_policy(inputs: Inputs, call: Call, _own: Record | None) -> None:
    need_tracked_balancer(inputs.get("targetTrackingConfiguration") or {}, call)


def _policy_outputs(inputs: Inputs, call: Call, identity: str) -> dict[str, Any]:
    group = inputs["autoscalingGroupName"]
    unique = f"{call.cloud.next_hex(8)}:autoScalingGroupName/{group}:policyName/{identity}"
    return {"arn": call.arn("autoscaling", f"scalingPolicy:{unique}")}


def _check_schedule(inputs: Inputs) -> Iterator[Problem]:
    recurrence = inputs.get("recurrence")
    if recurrence is None and inputs.get("startTime") is None:
        yield Problem("recurrence", "a schedule needs a recurrence or a start")
    if known(recurrence) and len(recurrence.split()) != 5:
        yield Problem("recurrence", f"{recurrence!r} is no five-field cron expression")
    low, high = inputs.get("minSize"), inputs.get("maxSize")
    if known(low) and known(high) and -1 < high < low:
        yield Problem("minSize", f"minSize {low} is above maxSize {high}")


def _arn(kind: str) -> Any:
    return lambda _inputs, call, identity: {
        "arn": call.arn("autoscaling", f"{kind}:{call.cloud.next_hex(8)}:{identity}")
    }


_IN_GROUP = {"autoscalingGroupName": SCALING_GROUP}

KINDS = (
    Kind(TEMPLATE, numbered("lt"), _template_outputs, _check_template, _admit_template,
         autoname=Autoname(longest=128), unique=("name",)),
    Kind(SCALING_GROUP, by("name"), _group_outputs, _check_group, autoname=Autoname(),
         unique=("name",)),
    Kind(HOOK, by("autoscalingGroupName", "name"), autoname=Autoname(), names=_IN_GROUP),
    Kind(POLICY, by("name"), _policy_outputs, _check_policy, _admit_policy, autoname=Autoname(),
         names=_IN_GROUP),
    Kind(SCHEDULE, by("scheduledActionName"), _arn("scheduledUpdateGroupAction"), _check_schedule,
         names=_IN_GROUP),
    Kind("aws:autoscaling/attachment:Attachment", by("autoscalingGroupName", "lbTargetGroupArn"),
         names=_IN_GROUP),
    Kind("aws:autoscaling/notification:Notification", by("topicArn")),
    Kind("aws:ec2/flowLog:FlowLog", numbered("fl"),
         lambda _i, call, own: {"arn": call.arn("ec2", f"vpc-flow-log/{own}"), "owner": ACCOUNT},
         lambda inputs: exactly_one(inputs, "vpcId", "subnetId", "eniId", "transitGatewayId",
                                    "transitGatewayAttachmentId")),
)  # fmt: skip
