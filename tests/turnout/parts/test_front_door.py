"""The load balancer, its certificate, its logs and its firewall."""

import json
from typing import Any

import pytest
from tests.turnout.programs import BASELINE, EVERYTHING, REGION, make, plan, tier_made, tier_plan

from turnout.config.surroundings import Access, Firewall
from turnout.parts.firewall_rules import GROUPS, web_acl_rules
from turnout.parts.front_door import idle_timeout, keep_alive
from turnout.parts.private_bucket import reached_over_plain_http
from turnout.plan import Plan, PlannedResource

LISTENER = "aws:lb/listener:Listener"


def listeners(found: Plan) -> dict[int, PlannedResource]:
    return {listener.inputs["port"]: listener for listener in found.of_type(LISTENER)}


def test_http_is_sent_to_https_and_https_speaks_tls_1_2_or_newer() -> None:
    found = listeners(tier_plan("ecs"))
    assert set(found) == {80, 443}
    (redirect,) = found[80].inputs["defaultActions"]
    assert redirect["redirect"] == {"port": "443", "protocol": "HTTPS", "statusCode": "HTTP_301"}
    assert found[443].inputs["sslPolicy"].startswith("ELBSecurityPolicy-TLS13-1-2-")
    assert found[443].inputs["certificateArn"] == BASELINE["certificate"]


def test_networks_beside_the_vpc_reach_an_internal_balancer_where_the_file_names_them() -> None:
    found = plan(BASELINE, target="ecs", callers=["10.99.0.0/16", "192.168.0.0/24"])
    rules = [
        rule.inputs
        for rule in found.of_type("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
        if "cidrIpv4" in rule.inputs and rule.inputs["fromPort"] in (80, 443)
    ]
    blocks = {"10.20.0.0/16", "10.99.0.0/16", "192.168.0.0/24"}
    assert {(rule["fromPort"], rule["cidrIpv4"]) for rule in rules} == {
        (port, block) for port in (80, 443) for block in blocks
    }


def test_plain_http_has_one_listener() -> None:
    said = {key: value for key, value in BASELINE.items() if key != "certificate"}
    assert set(listeners(plan(said, target="ecs", plain_http=True))) == {80}


def test_invalid_headers_are_dropped_and_access_is_logged() -> None:
    (balancer,) = tier_plan("ecs").of_type("aws:lb/loadBalancer:LoadBalancer")
    assert balancer.inputs["dropInvalidHeaderFields"] is True
    assert balancer.inputs["accessLogs"]["enabled"] is True
    assert balancer.inputs["desyncMitigationMode"] == "defensive"


@pytest.mark.parametrize("everything", [False, True], ids=["internal", "internet"])
def test_a_balancer_that_faces_the_internet_waits_for_the_way_in(everything: bool) -> None:
    (balancer,) = tier_plan("ecs", everything=everything).of_type(
        "aws:lb/loadBalancer:LoadBalancer"
    )
    assert any("InternetGateway" in urn for urn in balancer.depends_on) is everything


@pytest.mark.parametrize(
    ("environment", "kept"), [("dev", False), ("staging", True), ("prod", True)]
)
def test_outside_dev_what_is_costly_to_lose_is_kept(environment: str, kept: bool) -> None:
    found = plan(BASELINE, target="ecs", environment=environment)
    (balancer,) = found.of_type("aws:lb/loadBalancer:LoadBalancer")
    (bucket,) = found.of_type("aws:s3/bucket:Bucket")
    assert balancer.inputs["enableDeletionProtection"] is kept
    assert bucket.inputs["forceDestroy"] is not kept
    (network,) = found.of_type("aws:ec2/vpc:Vpc")
    assert (balancer.protect, network.protect) == (kept, kept)


@pytest.mark.parametrize(("environment", "kept"), [("dev", False), ("prod", True)])
def test_a_log_bucket_that_outlives_its_stack_stays_private_and_encrypted(
    environment: str, kept: bool
) -> None:
    found = plan(BASELINE, target="ecs", environment=environment)
    of_bucket = [r for r in found.resources if r.type.startswith("aws:s3/bucket")]
    assert len(of_bucket) == 7
    assert {resource.retain_on_delete for resource in of_bucket} == {kept}


@pytest.mark.parametrize(("request_timeout", "idle"), [(1, 60), (55, 60), (56, 61), (900, 905)])
def test_the_server_gives_up_before_the_load_balancer(request_timeout: int, idle: int) -> None:
    assert idle_timeout(request_timeout) == idle > request_timeout
    assert int(keep_alive(request_timeout)["TURNOUT_KEEP_ALIVE"]) > idle


def test_a_health_check_is_asked_as_the_file_says() -> None:
    (group,) = tier_plan("ecs").of_type("aws:lb/targetGroup:TargetGroup")
    assert group.inputs["healthCheck"] == {
        "enabled": True,
        "path": "/health",
        "port": "traffic-port",
        "protocol": "HTTP",
        "matcher": "200",
        "healthyThreshold": 2,
        "unhealthyThreshold": 3,
        "interval": 30,
        "timeout": 10,
    }
    assert group.inputs["port"] == 8000


@pytest.mark.parametrize(
    ("kind", "target_type"),
    [("ec2", "instance"), ("ecs", "ip"), ("eks", "ip"), ("lambda", "lambda")],
)
def test_a_tier_is_a_target_group_of_its_type(kind: str, target_type: str) -> None:
    (group,) = tier_plan(kind).of_type("aws:lb/targetGroup:TargetGroup")
    assert group.inputs["targetType"] == target_type


def test_a_domain_gets_a_certificate_proven_by_dns_and_a_name() -> None:
    found = tier_made("ecs", everything=True)
    (certificate,) = [r for r in found if r.type == "aws:acm/certificate:Certificate"]
    assert certificate.inputs["domainName"] == "api.example.com"
    records = {r.name: r.inputs for r in found if r.type == "aws:route53/record:Record"}
    assert records["hate-speech-api-alb-certificate"]["type"] == "CNAME"
    alias = records["hate-speech-api-alb"]
    assert alias["name"] == "api.example.com"
    assert alias["type"] == "A"
    assert "ttl" not in alias


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_the_proof_of_a_domain_outlives_the_stack_for_others_of_the_domain(
    environment: str,
) -> None:
    found = plan(EVERYTHING, target="ecs", environment=environment)
    retained = {r.name: r.retain_on_delete for r in found.of_type("aws:route53/record:Record")}
    assert retained == {"hate-speech-api-alb-certificate": True, "hate-speech-api-alb": False}


def test_below_a_wildcard_the_service_has_a_name_of_its_own() -> None:
    said = {**EVERYTHING, "certificate": {"domain": "*.example.com", "zone": "Z0123456789ABCDEF"}}
    found = plan(said, target="ecs")
    assert found.outputs["url"] == "https://hate-speech-api.example.com"
    names = {r.inputs.get("name") for r in found.of_type("aws:route53/record:Record")}
    assert "hate-speech-api.example.com" in names
    assert "*.example.com" not in names


def bucket_statements(said: dict[str, Any]) -> dict[str, dict[str, Any]]:
    (policy,) = [
        r for r in make(said, target="ecs") if r.type == "aws:s3/bucketPolicy:BucketPolicy"
    ]
    return {s["Sid"]: s for s in json.loads(policy.inputs["policy"])["Statement"]}


def test_logs_are_delivered_for_this_account_alone_and_read_over_tls_alone() -> None:
    found = bucket_statements(dict(BASELINE))
    write = found["WriteAccessLogs"]
    assert write["Principal"] == {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"}
    assert write["Resource"].endswith("/alb/AWSLogs/123456789012/*")
    refuse = found["RefusePlainHttp"]
    assert refuse["Effect"] == "Deny"
    assert len(refuse["Resource"]) == 2
    assert refuse["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_a_stack_that_speaks_plain_http_to_s3_does_not_lock_itself_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert not reached_over_plain_http()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://s3.example.com")
    assert not reached_over_plain_http()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:5555")
    assert set(bucket_statements(dict(BASELINE))) == {"WriteAccessLogs"}


def test_the_log_bucket_is_private_encrypted_versioned_and_forgets() -> None:
    found = tier_plan("ecs")
    (block,) = found.of_type("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock")
    switches = {
        "blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"
    }  # fmt: skip
    assert {key for key, value in block.inputs.items() if value is True} == switches
    assert found.of_type("aws:s3/bucketVersioning:BucketVersioning")
    (lifecycle,) = found.of_type("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration")
    assert lifecycle.inputs["rules"][0]["expiration"] == {"days": 90}


def test_the_firewall_limits_the_rate_first_and_blocks() -> None:
    first = web_acl_rules("x", Firewall(rate_limit=500), "internal")[0]
    assert first["action"] == {"block": {}}
    assert first["statement"]["rate_based_statement"]["limit"] == 500


@pytest.mark.parametrize(("access", "limit"), [("internet", 2000), ("internal", 100_000)])
def test_inside_a_network_one_address_may_be_many_callers(access: Access, limit: int) -> None:
    first = web_acl_rules("x", Firewall(), access)[0]
    assert first["statement"]["rate_based_statement"]["limit"] == limit


@pytest.mark.parametrize(("everything", "rule"), [(False, "ALL"), (True, "rate-limit")])
def test_callers_that_the_firewall_turns_away_set_off_an_alarm(everything: bool, rule: str) -> None:
    found = tier_plan("ecs", everything=everything)
    (acl,) = found.of_type("aws:wafv2/webAcl:WebAcl")
    (alarm,) = [
        alarm.inputs
        for alarm in found.of_type("aws:cloudwatch/metricAlarm:MetricAlarm")
        if alarm.inputs.get("metricName") == "BlockedRequests"
    ]
    rates = next(said for said in acl.inputs["rules"] if said["name"] == "rate-limit")
    names = {"ALL": "ALL", "rate-limit": rates["visibilityConfig"]["metricName"]}
    assert alarm["namespace"] == "AWS/WAFV2"
    assert alarm["dimensions"] == {
        "WebACL": acl.inputs["visibilityConfig"]["metricName"],
        "Region": REGION,
        "Rule": names[rule],
    }
    assert (alarm["threshold"], alarm["treatMissingData"]) == (0, "notBreaching")


def overrides(firewall: Firewall) -> dict[str, set[str]]:
    """The rules that only count, by rule group."""
    groups = [rule["statement"] for rule in web_acl_rules("x", firewall, "internet")[1:]]
    managed = [group["managed_rule_group_statement"] for group in groups]
    return {
        group["name"]: {rule["name"] for rule in group.get("rule_action_overrides", ())}
        for group in managed
    }


def test_rules_that_read_bodies_count_and_others_block() -> None:
    counted = overrides(Firewall())
    assert counted["AWSManagedRulesSQLiRuleSet"] == {"SQLi_BODY", "SQLiExtendedPatterns_BODY"}
    assert "CrossSiteScripting_BODY" in counted["AWSManagedRulesCommonRuleSet"]
    assert all(rule.endswith("_BODY") for rules in counted.values() for rule in rules)


def test_rules_that_read_bodies_can_block_but_for_the_one_on_their_size() -> None:
    counted = overrides(Firewall(body_rules="block"))
    assert {rule for rules in counted.values() for rule in rules} == {"SizeRestrictions_BODY"}
    assert len(counted) == len(GROUPS)


def test_the_firewall_logs_what_it_blocked_or_counted_and_no_secret() -> None:
    found = tier_plan("ecs")
    type_ = "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration"
    (logging,) = found.of_type(type_)
    redacted = {field["singleHeader"]["name"] for field in logging.inputs["redactedFields"]}
    assert {"authorization", "x-api-key"} <= redacted
    assert logging.inputs["loggingFilter"]["defaultBehavior"] == "DROP"
    # Others are named after what is not known before it is there.
    names = [str(g.inputs["name"]) for g in found.of_type("aws:cloudwatch/logGroup:LogGroup")]
    assert any(name.startswith("aws-waf-logs-") for name in names)


def test_the_firewall_stands_before_an_internal_load_balancer_too() -> None:
    for everything in (False, True):
        found = tier_plan("ecs", everything=everything)
        assert len(found.of_type("aws:wafv2/webAclAssociation:WebAclAssociation")) == 1


def test_an_http_and_a_secret_stay_out_of_the_plan() -> None:
    text = json.dumps(plan(EVERYTHING, target="ecs").to_json())
    assert "secret:keys-AbCdEf" in text
    assert 'TURNOUT_API_KEYS"' not in text
