"""The real program, run for a service that a test says in a few words."""

import functools
import importlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from unittest import mock

from google.protobuf import struct_pb2
from pulumi.runtime.proto import resource_pb2

from turnout.plan import Plan, PlannedResource, plan_program, run
from turnout.plan.monitor import RecordingMonitor
from turnout.plan.record import STACK_TYPE

# The SDK loads the module of a service when it is first touched, and Python's lazy loader leaves
# it half loaded where that first touch is cut short or comes from two threads, as the stand-in
# providers have them. So all are whole before any test runs.
for service in (
    "acm", "appautoscaling", "autoscaling", "cloudwatch", "ec2", "ecr", "ecs", "eks", "iam", "kms",
    "lambda_", "lb", "route53", "s3", "sns", "vpc", "wafv2",
):  # fmt: skip
    hasattr(importlib.import_module(f"pulumi_aws.{service}"), "any name loads it")

ROOT: Final = Path(__file__).parents[2]
REGION: Final = "ap-northeast-2"
ACCOUNT: Final = "123456789012"
DIGEST: Final = "sha256:" + "a" * 64
SHA: Final = "b" * 64
KINDS: Final = ("ec2", "ecs", "eks", "lambda")
SECRET: Final = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:keys-AbCdEf"

# A service as the documentation's examples have it: private, with a certificate, in prod.
BASELINE: Final[Mapping[str, Any]] = {
    "name": "hate-speech-api",
    "image": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/hate-speech-api@{DIGEST}",
    "certificate": f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/0a1b2c3d",
    "alarms": {"notify": ["on-call@example.com"]},
}
# Everything that a stack file can ask for beside the tier, so that no branch is left out.
EVERYTHING: Final[Mapping[str, Any]] = {
    **BASELINE,
    "model": {"uri": "s3://models/hate-speech/v1", "sha256": SHA},
    "api_keys_secret": SECRET,
    "access": "internet",
    "certificate": {"domain": "api.example.com", "zone": "Z0123456789ABCDEF"},
    "network": {"create": {"zones": 3, "nat": "per_zone"}},
    "firewall": {"body_rules": "block"},
    "tags": {"team": "moderation"},
}


def plan(said: Mapping[str, Any], stack: str = "test", **more: Any) -> Plan:
    """What the stack's program asks for, with `more` laid over `said`. Kept: plans are values."""
    return _kept(json.dumps({**said, **more}), stack, os.environ.get("AWS_ENDPOINT_URL"), False)


@functools.lru_cache(maxsize=64)
def _kept(said: str, stack: str, _endpoint: str | None, known: bool) -> Plan:
    if not known:
        return plan_anew(said, stack)
    with mock.patch.object(run, "RecordingMonitor", _MakingMonitor):
        return plan_anew(said, stack)


def plan_anew(said: str, stack: str = "test") -> Plan:
    """What the stack's program asks for when it is run once more; `said` is JSON."""
    config = {"aws:region": REGION, "turnout:service": said}
    return plan_program(ROOT / "stacks", project="turnout", stack=stack, config=config)


def tier_plan(kind: str, *, everything: bool = False) -> Plan:
    """The plan of the baseline, or of everything, on one tier."""
    return plan(EVERYTHING if everything else BASELINE, target=kind)


class _MakingMonitor(RecordingMonitor):
    """Answers as a provider does at the end of an `up`: with an id, an ARN and the rest known."""

    def RegisterResource(  # noqa: N802 - the protocol's name
        self, request: resource_pb2.RegisterResourceRequest
    ) -> resource_pb2.RegisterResourceResponse:
        response = super().RegisterResource(request)
        if not request.custom or request.type == STACK_TYPE:
            return response
        known = struct_pb2.Struct()
        known.CopyFrom(response.object)
        for key, value in _outputs(request.type, request.name, known).items():
            if key not in known.fields:
                known.update({key: value})
        return resource_pb2.RegisterResourceResponse(
            urn=response.urn, id=f"{request.name}-id", object=known
        )


def _outputs(type_: str, name: str, inputs: struct_pb2.Struct) -> dict[str, Any]:
    physical = inputs.fields["name"].string_value if "name" in inputs.fields else ""
    physical = physical or f"{name}-0123456"
    service, _, kind = type_.removeprefix("aws:").partition("/")
    resource = f"{kind.rpartition(':')[2]}/{physical}"
    if type_ == "aws:cloudwatch/logGroup:LogGroup":
        service, resource = "logs", f"log-group:{physical}"
    if type_ == "aws:lb/targetGroup:TargetGroup":
        service, resource = "elasticloadbalancing", f"targetgroup/{physical}/0123456789abcdef"
    return {
        "name": physical,
        "arn": f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}",
        "arnSuffix": f"suffix/{physical}",
        "dnsName": f"{physical}.elb.amazonaws.com",
        "latestVersion": 1,
        "domainValidationOptions": [
            {
                "resourceRecordName": "_proof.example.com.",
                "resourceRecordType": "CNAME",
                "resourceRecordValue": "_value.acm-validations.aws.",
            }
        ],
    }


def make(said: Mapping[str, Any], stack: str = "test", **more: Any) -> tuple[PlannedResource, ...]:
    """The resources of the program with every value known, as at the end of an `up`."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    return _kept(json.dumps({**said, **more}), stack, endpoint, True).resources


def tier_made(kind: str, *, everything: bool = False) -> tuple[PlannedResource, ...]:
    """The resources of one tier, all values known."""
    return make(EVERYTHING if everything else BASELINE, target=kind)
