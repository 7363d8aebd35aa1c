"""Application load balancers: listeners, rules, target groups, their targets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.engine.standin.aws.network import groups_match_vpc, subnets_of
from tests.engine.standin.aws.support import document, entries, known, refuse
from tests.engine.standin.cloud import Record
from tests.engine.standin.kinds import Autoname, Call, Inputs, Kind
from tests.engine.standin.shapes import Problem
from tests.engine.standin.values import is_unknown, leaves

BALANCER = "aws:lb/loadBalancer:LoadBalancer"
GROUP = "aws:lb/targetGroup:TargetGroup"
LISTENER = "aws:lb/listener:Listener"
RULE = "aws:lb/listenerRule:ListenerRule"
ATTACHMENT = "aws:lb/targetGroupAttachment:TargetGroupAttachment"
BUCKET_POLICY = "aws:s3/bucketPolicy:BucketPolicy"
PERMISSION = "aws:lambda/permission:Permission"


def _resource_arn(kind: str) -> Any:
    def identify(inputs: Inputs, call: Call) -> str:
        return call.arn(
            "elasticloadbalancing", f"{kind}/{inputs['name']}/{call.cloud.next_hex(16)}"
        )

    return identify


def _suffix(arn: str) -> str:
    return arn.partition(":loadbalancer/")[2] or f"targetgroup/{arn.partition(':targetgroup/')[2]}"


def _check_balancer(inputs: Inputs) -> Iterator[Problem]:
    name = inputs.get("name", "")
    if name.startswith(("internal-", "-")) or name.endswith("-"):
        yield Problem("name", f"{name!r}: no leading 'internal-', no hyphen at either end")
    subnets = inputs.get("subnets")
    if known(subnets) and len(subnets) < 2:
        yield Problem("subnets", "an application load balancer needs two subnets")


def _admit_balancer(inputs: Inputs, call: Call, _own: Record | None) -> None:
    subnets = subnets_of(inputs, "subnets", call)
    seen = [subnet.get("availabilityZone") for subnet in subnets]
    if len(set(seen)) != len(seen):
        refuse(f"InvalidConfigurationRequest: one subnet a zone, got {seen}")
    if len({subnet.get("vpcId") for subnet in subnets}) > 1:
        refuse("InvalidSubnet: the subnets of a load balancer are of one VPC")
    groups_match_vpc(
        inputs.get("securityGroups"), subnets[0].get("vpcId") if subnets else None, call
    )
    if not inputs.get("internal"):
        _need_way_out(subnets, call)
    logs = inputs.get("accessLogs") or {}
    if logs.get("enabled"):
        _need_log_delivery(logs["bucket"], call)


def _need_way_out(subnets: list[Record], call: Call) -> None:
    gateways = call.cloud.of("aws:ec2/internetGateway:InternetGateway", call.region)
    attached = {gateway.get("vpcId") for gateway in gateways}
    for subnet in subnets:
        if subnet.get("vpcId") not in attached:
            refuse(f"InvalidSubnet: {subnet.get('vpcId')} has no internet gateway")


def _need_log_delivery(bucket: str, call: Call) -> None:
    """ELB writes a test object before it accepts the setting."""
    for policy in call.cloud.of(BUCKET_POLICY):
        if policy.inputs["bucket"] == bucket and "elasticloadbalancing" in str(
            document(policy.inputs["policy"])
        ):
            return
    refuse(f"InvalidConfigurationRequest: Access Denied for bucket: {bucket}. Its policy must let "
           "logdelivery.elasticloadbalancing.amazonaws.com write")  # fmt: skip


def _balancer_outputs(inputs: Inputs, call: Call, identity: str) -> dict[str, Any]:
    subnets = subnets_of(inputs, "subnets", call)
    scheme = "internal-" if inputs.get("internal") else ""
    digits = int(identity.rpartition("/")[2][:8], 16)
    return {
        "arn": identity,
        "arnSuffix": _suffix(identity),
        "dnsName": f"{scheme}{inputs['name']}-{digits}.{call.region}.elb.amazonaws.com",
        "zoneId": "ZWKZPGTI48KDX",
        "vpcId": subnets[0].get("vpcId") if subnets else None,
        "loadBalancerType": inputs.get("loadBalancerType", "application"),
    }


def _release_balancer(record: Record, _call: Call) -> None:
    if record.inputs.get("enableDeletionProtection"):
        refuse(f"OperationNotPermitted: {record.id} cannot be deleted: deletion protection is on")


def _check_group(inputs: Inputs) -> Iterator[Problem]:
    is_lambda = inputs.get("targetType") == "lambda"
    for name in ("port", "protocol", "vpcId"):
        given = inputs.get(name) is not None
        if is_lambda and given:
            yield Problem(name, f"a lambda target group takes no {name}")
        if not is_lambda and not given:
            yield Problem(name, f"{name} must be given when targetType is not lambda")
    if inputs.get("lambdaMultiValueHeadersEnabled") and not is_lambda:
        yield Problem("lambdaMultiValueHeadersEnabled", "only a lambda target group has it")
    health = inputs.get("healthCheck") or {}
    timeout, interval = health.get("timeout"), health.get("interval")
    if known(timeout) and known(interval) and timeout >= interval:
        yield Problem("healthCheck.timeout", f"timeout {timeout} must be under interval {interval}")


def _group_outputs(_inputs: Inputs, _call: Call, identity: str) -> dict[str, Any]:
    return {"arn": identity, "arnSuffix": _suffix(identity), "loadBalancerArns": []}


def _action_problems(actions: Any, path: str) -> Iterator[Problem]:
    for index, action in enumerate(actions if isinstance(actions, list) else []):
        here = f"{path}[{index}]"
        kind = action.get("type")
        if kind == "redirect" and not action.get("redirect"):
            yield Problem(here, "a redirect action needs redirect")
        if kind == "fixed-response" and not action.get("fixedResponse"):
            yield Problem(here, "a fixed-response action needs fixedResponse")
        if kind == "forward":
            yield from _forward_problems(action, here)


def _forward_problems(action: Inputs, path: str) -> Iterator[Problem]:
    forward = action.get("forward")
    if (forward is None) == (action.get("targetGroupArn") is None):
        yield Problem(path, "a forward action needs targetGroupArn or forward, not both")
    groups = entries((forward or {}).get("targetGroups"))
    if forward and not 1 <= len(groups) <= 5:
        yield Problem(f"{path}.forward.targetGroups", f"1 to 5 target groups, got {len(groups)}")
    weights = [group.get("weight", 1) for group in groups]
    if groups and not any(is_unknown(w) for w in weights) and sum(weights) == 0:
        yield Problem(f"{path}.forward.targetGroups", "the weights cannot all be 0")


def _check_listener(inputs: Inputs) -> Iterator[Problem]:
    yield from _action_problems(inputs.get("defaultActions"), "defaultActions")
    secure = inputs.get("protocol") in ("HTTPS", "TLS")
    if secure and inputs.get("certificateArn") is None:
        yield Problem("certificateArn", "an HTTPS listener needs a certificate")
    if not secure and (inputs.get("certificateArn") or inputs.get("sslPolicy")):
        yield Problem("protocol", f"{inputs.get('protocol')} takes no certificate and no sslPolicy")
    policy = inputs.get("sslPolicy")
    if known(policy) and not policy.startswith("ELBSecurityPolicy-"):
        yield Problem("sslPolicy", f"SSLPolicyNotFound: {policy!r}")


def _admit_listener(inputs: Inputs, call: Call, own: Record | None) -> None:
    for other in call.cloud.of(LISTENER, call.region):
        same = [other.get(n) == inputs.get(n) for n in ("loadBalancerArn", "port")]
        if other is not own and all(same):
            refuse(f"DuplicateListener: port {inputs.get('port')} is taken by {other.id}")
    _admit_forward(inputs, inputs["loadBalancerArn"], call, own)
    certificate = call.cloud.find("aws:acm/certificate:Certificate", call.region,
                                  arn=inputs.get("certificateArn"))  # fmt: skip
    if inputs.get("certificateArn") and certificate and certificate.outputs["status"] != "ISSUED":
        refuse(f"UnsupportedCertificate: {certificate.id} is {certificate.outputs['status']}")


def _admit_forward(inputs: Inputs, balancer: str, call: Call, own: Record | None) -> None:
    """A target group serves one load balancer only."""
    mine = {value for _, value in leaves(dict(inputs)) if ":targetgroup/" in str(value)}
    for other in [*call.cloud.of(LISTENER, call.region), *call.cloud.of(RULE, call.region)]:
        if other is own or balancer_of(other, call) == balancer:
            continue
        if shared := mine & {value for _, value in leaves(other.inputs)}:
            refuse(f"TargetGroupAssociationLimit: {shared} serve another load balancer")


def balancer_of(record: Record, call: Call) -> str | None:
    if record.token == RULE:
        listener = call.cloud.find(LISTENER, call.region, id=record.inputs["listenerArn"])
        return listener.inputs["loadBalancerArn"] if listener else None
    found: str | None = record.inputs.get("loadBalancerArn")
    return found


def is_behind_balancer(group: str, call: Call) -> bool:
    holders = [*call.cloud.of(LISTENER, call.region), *call.cloud.of(RULE, call.region)]
    return any(holder.mentions(frozenset([group])) for holder in holders)


def _listener_arn(inputs: Inputs, call: Call) -> str:
    bare = inputs["loadBalancerArn"].replace(":loadbalancer/", ":listener/")
    return f"{bare}/{call.cloud.next_hex(16)}"


def _check_rule(inputs: Inputs) -> Iterator[Problem]:
    yield from _action_problems(inputs.get("actions"), "actions")
    if not entries(inputs.get("conditions")):
        yield Problem("conditions", "a rule needs one condition")


def _admit_rule(inputs: Inputs, call: Call, own: Record | None) -> None:
    listener = call.cloud.find(LISTENER, call.region, id=inputs["listenerArn"])
    if listener:
        _admit_forward(inputs, listener.inputs["loadBalancerArn"], call, own)
    for other in call.cloud.of(RULE, call.region):
        same = [other.get(n) == inputs.get(n) for n in ("listenerArn", "priority")]
        if other is not own and all(same):
            refuse(f"PriorityInUse: {inputs.get('priority')} is taken by {other.id}")


def _rule_arn(inputs: Inputs, call: Call) -> str:
    bare = inputs["listenerArn"].replace(":listener/", ":listener-rule/")
    return f"{bare}/{call.cloud.next_hex(16)}"


def _attachment_id(inputs: Inputs, call: Call) -> str:
    return f"{inputs['targetGroupArn']}-{call.cloud.next_hex(16)}"


def _admit_attachment(inputs: Inputs, call: Call, _own: Record | None) -> None:
    group = call.cloud.find(GROUP, call.region, id=inputs["targetGroupArn"])
    if not group or group.inputs.get("targetType") != "lambda":
        return
    for permission in call.cloud.of(PERMISSION, call.region):
        given = permission.inputs
        source = given.get("sourceArn")
        if (
            given.get("principal") == "elasticloadbalancing.amazonaws.com"
            and source in (None, group.id)
            and _same_function(inputs["targetId"], given)
        ):
            return
    refuse("AccessDenied: elasticloadbalancing principal does not have permission to invoke "
           f"{inputs['targetId']} from target group {group.id}")  # fmt: skip


def _same_function(target: str, permission: Inputs) -> bool:
    function = str(permission["function"]).rpartition(":function:")[2] or permission["function"]
    name, _, qualifier = target.partition(":function:")[2].partition(":")
    return function.partition(":")[0] == name and (permission.get("qualifier") or "") == qualifier


KINDS = (
    Kind(BALANCER, _resource_arn("loadbalancer/app"), _balancer_outputs, _check_balancer,
         _admit_balancer, _release_balancer, Autoname(trimmed=False), unique=("name",)),
    Kind(GROUP, _resource_arn("targetgroup"), _group_outputs, _check_group,
         autoname=Autoname(trimmed=False), unique=("name",), held_by=(LISTENER, RULE)),
    Kind(LISTENER, _listener_arn, lambda _i, _c, arn: {"arn": arn}, _check_listener,
         _admit_listener),
    Kind(RULE, _rule_arn, lambda _i, _c, arn: {"arn": arn}, _check_rule, _admit_rule),
    Kind(ATTACHMENT, _attachment_id, admit=_admit_attachment),
)  # fmt: skip
