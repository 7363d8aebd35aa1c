"""Every valid stack file plans, and what it plans holds the contract.

TURNOUT_FUZZ_EXAMPLES says how many are tried: 25 where nothing is said.
"""

import json
import os
from typing import Any

from hypothesis import HealthCheck, given, settings
from tests.turnout.programs import plan
from tests.turnout.strategies import services

from turnout.config import parse_service
from turnout.plan import Unknown

EXAMPLES = int(os.environ.get("TURNOUT_FUZZ_EXAMPLES", "25"))


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(services())
def test_every_valid_stack_file_plans_and_holds_the_contract(said: dict[str, Any]) -> None:
    config = parse_service(said)
    found = plan(said)
    kinds = {tier.kind for tier in config.tiers}

    assert set(found.outputs["logGroups"]) == kinds
    assert set(found.outputs["targetGroups"]) == (kinds if config.has_front_door else set())
    urns = [resource.urn for resource in found.resources]
    assert len(urns) == len(set(urns))

    alarms = found.of_type("aws:cloudwatch/metricAlarm:MetricAlarm")
    assert len(alarms) >= 5 * len(kinds)
    assert len({alarm.inputs["name"] for alarm in alarms}) == len(alarms)
    for alarm in alarms:
        assert isinstance(alarm.inputs["alarmActions"][0], Unknown)

    for rule in found.of_type("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"):
        public = rule.inputs.get("cidrIpv4") == "0.0.0.0/0"
        assert not public or (config.access == "internet" and rule.inputs["fromPort"] in {80, 443})
        assert rule.inputs["fromPort"] != 8000 or "referencedSecurityGroupId" in rule.inputs

    for group in found.of_type("aws:cloudwatch/logGroup:LogGroup"):
        assert group.inputs["retentionInDays"] == config.logs.retention

    splits = [r for r in found.of_type("aws:lb/listenerRule:ListenerRule") if r.name == config.name]
    assert len(splits) == int(config.has_front_door)
    for split in splits:
        (action,) = split.inputs["actions"]
        assert sum(group["weight"] for group in action["forward"]["targetGroups"]) == 100

    for balancer in found.of_type("aws:lb/loadBalancer:LoadBalancer"):
        assert len(balancer.name) <= 24
        assert balancer.inputs["enableDeletionProtection"] is (config.environment != "dev")
    for target_group in found.of_type("aws:lb/targetGroup:TargetGroup"):
        assert len(target_group.name) <= 24
    json.dumps(found.to_json())
