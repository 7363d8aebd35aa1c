"""Load balancers, their listeners and target groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from turnout_policies.facts.environments import is_throwaway
from turnout_policies.facts.tokens import (
    CLASSIC_LOAD_BALANCER,
    LISTENER,
    LISTENER_RULE,
    LOAD_BALANCER,
    TARGET_GROUP,
)
from turnout_policies.properties import Properties
from turnout_policies.resources import canonical_type
from turnout_policies.rule import (
    Context,
    Finding,
    Level,
    Outcomes,
    Rule,
    Severity,
    any_holds,
    each,
)

# Policies that take TLS 1.2 or newer only: "Security policies for your Application Load
# Balancer" of the ELB user guide.
_MODERN_TLS = (
    "ELBSecurityPolicy-TLS13-1-2",
    "ELBSecurityPolicy-TLS13-1-3",
    "ELBSecurityPolicy-TLS-1-2",
    "ELBSecurityPolicy-FS-1-2",
)
# What elbv2 takes where the caller names none.
_DEFAULT_POLICY = "ELBSecurityPolicy-2016-08"


def is_application(balancer: Properties) -> bool:
    return balancer.text("loadBalancerType") in ("", "application")


def is_internet_facing(balancer: Properties) -> bool:
    return not balancer.flag("internal")


def _protocol(listener: Properties) -> str:
    """A listener's protocol; one with a port that names none speaks HTTP."""
    protocol = listener.text("protocol").upper()
    return protocol or ("HTTP" if listener.has("port") else "")


def _redirects_to_https(listener: Properties, _: Context) -> Outcomes:
    if _protocol(listener) != "HTTP":
        return
    if not any_holds(listener.each("defaultActions"), _is_safe_over_http):
        yield Finding(
            f"HTTP on port {listener.text('port')} answers instead of redirecting to HTTPS",
            "defaultActions",
        )


def _is_safe_over_http(action: Properties) -> bool:
    kind = action.text("type")
    if kind == "redirect":
        return action.text("redirect", "protocol").upper() == "HTTPS"
    # A fixed answer that is an error gives nothing away; only a forward or a page does.
    return kind == "fixed-response" and action.text("fixedResponse", "statusCode")[:1] in ("4", "5")


def _http_rules_forward(listener: Properties, context: Context) -> Outcomes:
    if _protocol(listener) != "HTTP":
        return
    forwarding = [
        rule.resource.name
        for rule in context.stack.referrers(listener, "listenerArn", LISTENER_RULE, every=True)
        if any_holds(rule.each("actions"), lambda action: action.text("type") == "forward")
    ]
    if forwarding:
        yield Finding(
            f"what comes in over plain HTTP is forwarded by {', '.join(forwarding)}",
            "defaultActions",
        )


def _modern_tls(listener: Properties, _: Context) -> Outcomes:
    if listener.text("protocol").upper() not in ("HTTPS", "TLS"):
        return
    policy = listener.text("sslPolicy")
    if not policy.startswith(_MODERN_TLS):
        named = policy or f"the default, {_DEFAULT_POLICY}"
        yield Finding(f"sslPolicy is {named}, which takes TLS older than 1.2", "sslPolicy")


def _acm_certificate(listener: Properties, _: Context) -> Outcomes:
    if listener.text("protocol").upper() not in ("HTTPS", "TLS"):
        return
    certificate = listener.at("certificateArn")
    if not certificate.has():
        yield Finding("it has no certificate", "certificateArn")
    elif certificate.known and ":server-certificate/" in certificate.text():
        yield Finding("its certificate lies in IAM, where nothing renews it", "certificateArn")


def _drops_invalid_headers(balancer: Properties, _: Context) -> Outcomes:
    if is_application(balancer) and not balancer.flag("dropInvalidHeaderFields"):
        yield Finding("headers that break the rules are passed on", "dropInvalidHeaderFields")


def _drop_invalid_headers(properties: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if properties.get("loadBalancerType") not in (None, "application"):
        return None
    if str(properties.get("dropInvalidHeaderFields")).lower() == "true":
        return None
    return {"dropInvalidHeaderFields": True}


def _logs_access(balancer: Properties, _: Context) -> Outcomes:
    # A network load balancer logs nothing but TLS that it ends itself, a gateway nothing at all.
    if not is_application(balancer):
        return
    # Only the classic kind logs as soon as it knows where to.
    classic = canonical_type(balancer.resource.type) == CLASSIC_LOAD_BALANCER
    logs = balancer.at("accessLogs")
    if not logs.has() or not logs.flag("enabled", default=classic):
        yield Finding("no request is logged", "accessLogs")


def _classic_encrypts(balancer: Properties, _: Context) -> Outcomes:
    def check(listener: Properties) -> Outcomes:
        # What is passed on as TCP may be TLS that the servers end.
        if listener.text("lbProtocol").upper() == "HTTP":
            yield Finding(
                f"plain HTTP on port {listener.text('lbPort')}, and it cannot redirect",
                f"{listener.place}.lbProtocol",
            )

    yield from each(balancer.each("listeners"), check)


def _deletion_protection(balancer: Properties, _: Context) -> Outcomes:
    if not balancer.flag("enableDeletionProtection") and not is_throwaway(balancer):
        yield Finding("one API call deletes it", "enableDeletionProtection")


def _desync_mitigation(balancer: Properties, _: Context) -> Outcomes:
    if is_application(balancer) and balancer.text("desyncMitigationMode") == "monitor":
        yield Finding("desyncMitigationMode is monitor: smuggled requests get through")


def _spans_zones(balancer: Properties, _: Context) -> Outcomes:
    for key in ("subnets", "subnetMappings"):
        if balancer.has(key):
            count = len(balancer.each(key))
            if count < 2:
                yield Finding(f"{key} names {count} place", key)
            return


def _checks_health(group: Properties, _: Context) -> Outcomes:
    if group.text("targetType") == "lambda":
        return
    check = group.at("healthCheck")
    if not check.flag("enabled", default=True):
        yield Finding("its health check is off", "healthCheck.enabled")
        return
    if group.text("protocol").upper() not in ("HTTP", "HTTPS"):
        return
    if check.text("path") in ("", "/"):
        yield Finding("its health check asks for /, not for a health path", "healthCheck.path")
    loose = [code for code in check.text("matcher").split(",") if not _means_healthy(code)]
    if loose:
        yield Finding(
            f"its health check takes {', '.join(loose)} for healthy", "healthCheck.matcher"
        )
    timeout, interval = check.number("timeout"), check.number("interval")
    if timeout is not None and interval is not None and timeout >= interval:
        yield Finding(
            f"its health check waits {timeout:g} s but asks every {interval:g} s",
            "healthCheck.timeout",
        )


def _means_healthy(codes: str) -> bool:
    """Whether all codes of `200` or `200-299` mean that the service works."""
    first, _, last = codes.strip().partition("-")
    return first == "" or (first[:1] in "23" and (last or first)[:1] in "23")


RULES = (
    Rule(
        id="alb-redirects-http",
        title="Plain HTTP is redirected to HTTPS",
        why="What is answered over HTTP can be read and changed on the way.",
        concern="security",
        severity=Severity.HIGH,
        types=(LISTENER,),
        check=_redirects_to_https,
        elsewhere=("FSBP ELB.1", "cdk-nag ALBHttpToHttpsRedirection"),
        remediation='default_actions=[{"type": "redirect", "redirect": {"protocol": "HTTPS", '
        '"port": "443", "status_code": "HTTP_301"}}]',
    ),
    Rule(
        id="classic-load-balancer-encrypts",
        title="A classic load balancer takes no plain HTTP",
        why="It cannot redirect to HTTPS: passwords and cookies cross the network in plain text.",
        concern="security",
        severity=Severity.HIGH,
        types=(CLASSIC_LOAD_BALANCER,),
        check=_classic_encrypts,
        elsewhere=("FSBP ELB.3",),
        remediation='listeners=[{"lb_protocol": "https", "lb_port": 443, "ssl_certificate_id": '
        "certificate.arn, ...}]  # or an application load balancer, which redirects",
    ),
    Rule(
        id="alb-http-rules-do-not-forward",
        title="No rule of an HTTP listener forwards to a service",
        why="One rule beside the redirect opens the plain way again.",
        concern="security",
        severity=Severity.HIGH,
        scope="stack",
        types=(LISTENER,),
        check=_http_rules_forward,
        elsewhere=("FSBP ELB.1",),
        yields_to=("alb-redirects-http",),
        remediation="listener_arn=https_listener.arn",
    ),
    Rule(
        id="alb-modern-tls",
        title="HTTPS takes TLS 1.2 or newer",
        why="TLS 1.0 and 1.1 have known breaks, and auditors count them.",
        concern="security",
        severity=Severity.HIGH,
        types=(LISTENER,),
        check=_modern_tls,
        elsewhere=("FSBP ELB.17",),
        remediation='ssl_policy="ELBSecurityPolicy-TLS13-1-2-2021-06"',
    ),
    Rule(
        id="alb-certificate-from-acm",
        title="HTTPS listeners have a certificate that renews itself",
        why="A certificate that people must renew expires on a holiday.",
        concern="security",
        severity=Severity.MEDIUM,
        scope="stack",
        types=(LISTENER,),
        check=_acm_certificate,
        elsewhere=("FSBP ELB.2",),
        remediation="certificate_arn=certificate.arn  # of aws.acm.Certificate",
    ),
    Rule(
        id="alb-drops-invalid-headers",
        title="The load balancer drops headers that break the rules",
        why="Malformed headers are how requests are smuggled past a proxy.",
        concern="security",
        severity=Severity.MEDIUM,
        types=(LOAD_BALANCER,),
        check=_drops_invalid_headers,
        elsewhere=("FSBP ELB.4", "cdk-nag ALBHttpDropInvalidHeaderEnabled"),
        remedy=_drop_invalid_headers,
        remediation="drop_invalid_header_fields=True",
    ),
    Rule(
        id="alb-desync-mitigation",
        title="The load balancer stops desync attacks",
        why="In monitor mode smuggled requests are counted and passed on.",
        concern="security",
        severity=Severity.MEDIUM,
        types=(LOAD_BALANCER,),
        check=_desync_mitigation,
        elsewhere=("FSBP ELB.12",),
        remediation='desync_mitigation_mode="defensive"',
    ),
    Rule(
        id="alb-access-logs",
        title="The load balancer logs its requests",
        why="The access log is the only record of requests that never reached the service.",
        concern="security",
        severity=Severity.MEDIUM,
        types=(LOAD_BALANCER, CLASSIC_LOAD_BALANCER),
        check=_logs_access,
        elsewhere=("FSBP ELB.5", "cdk-nag ELB2"),
        remediation='access_logs={"bucket": logs.id, "enabled": True}',
    ),
    Rule(
        id="alb-deletion-protection",
        title="The load balancer cannot be deleted by one call",
        why="Its address is what clients know; a deleted one does not come back under it.",
        concern="reliability",
        severity=Severity.MEDIUM,
        level=Level.ADVISORY,
        types=(LOAD_BALANCER,),
        check=_deletion_protection,
        elsewhere=("FSBP ELB.6",),
        remediation="enable_deletion_protection=True",
    ),
    Rule(
        id="alb-spans-zones",
        title="The load balancer covers two zones or more",
        why="With one zone, the zone's outage is the service's.",
        concern="reliability",
        severity=Severity.MEDIUM,
        types=(LOAD_BALANCER,),
        check=_spans_zones,
        elsewhere=("FSBP ELB.13",),
        remediation="subnets=[subnet_a.id, subnet_b.id]",
    ),
    Rule(
        id="target-group-checks-health",
        title="Target groups check health in a way that can fail",
        why="A check that takes any answer for health sends requests to the dead.",
        concern="reliability",
        severity=Severity.HIGH,
        types=(TARGET_GROUP,),
        check=_checks_health,
        remediation='health_check={"path": "/health", "matcher": "200", "timeout": 10, '
        '"interval": 30}',
    ),
)
