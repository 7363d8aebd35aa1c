"""CloudWatch alarms, dashboards, logs; SNS."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tests.engine.standin.aws.identity import KEY
from tests.engine.standin.aws.support import by, document, entries, known, policy_problems, refuse
from tests.engine.standin.cloud import ACCOUNT, Record
from tests.engine.standin.kinds import Autoname, Call, Inputs, Kind
from tests.engine.standin.shapes import Problem

LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
COMPOSITE = "aws:cloudwatch/compositeAlarm:CompositeAlarm"
DASHBOARD = "aws:cloudwatch/dashboard:Dashboard"
FILTER = "aws:cloudwatch/logMetricFilter:LogMetricFilter"
TOPIC = "aws:sns/topic:Topic"
TOPIC_POLICY = "aws:sns/topicPolicy:TopicPolicy"
SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"
LONGEST_EVALUATION_SECONDS = 7 * 24 * 60 * 60


def _admit_log_group(inputs: Inputs, call: Call, _own: Record | None) -> None:
    key = inputs.get("kmsKeyId")
    if key:
        need_key_grant(key, f"logs.{call.region}.amazonaws.com", call)


def need_key_grant(key: str, service: str, call: Call) -> None:
    """A service uses a customer's key only if the key's policy names it."""
    record = call.cloud.find(KEY, call.region, arn=key) or call.cloud.find(KEY, call.region, id=key)
    if record and service not in str(document(record.inputs.get("policy"))):
        refuse(f"the key {key} does not allow {service}")


def _log_group_outputs(_inputs: Inputs, call: Call, name: str) -> dict[str, Any]:
    return {"arn": call.arn("logs", f"log-group:{name}")}


def _check_alarm(inputs: Inputs) -> Iterator[Problem]:
    queries = entries(inputs.get("metricQueries"))
    if (inputs.get("metricName") is None) == (not queries):
        yield Problem("metricName", "a metric alarm needs metricName or metricQueries, not both")
    if inputs.get("metricName") is not None:
        for name in ("namespace", "period"):
            if inputs.get(name) is None:
                yield Problem(name, f"metricName needs {name}")
        if (inputs.get("statistic") is None) == (inputs.get("extendedStatistic") is None):
            yield Problem("statistic", "one of statistic and extendedStatistic must be given")
    yield from _period_problems(inputs)
    if queries:
        yield from _query_problems(queries)
    if inputs.get("threshold") is None and inputs.get("thresholdMetricId") is None:
        yield Problem("threshold", "threshold or thresholdMetricId must be given")
    wanted, total = inputs.get("datapointsToAlarm"), inputs.get("evaluationPeriods")
    if known(wanted) and known(total) and wanted > total:
        yield Problem("datapointsToAlarm", f"{wanted} is above evaluationPeriods {total}")


def _period_problems(inputs: Inputs) -> Iterator[Problem]:
    period, periods = inputs.get("period"), inputs.get("evaluationPeriods")
    if not known(period):
        return
    if period not in (10, 20, 30) and period % 60:
        yield Problem("period", f"{period} is not 10, 20, 30 or a multiple of 60")
    if known(periods) and period * periods > LONGEST_EVALUATION_SECONDS:
        yield Problem("evaluationPeriods", "an alarm looks back seven days at most")


def _query_problems(queries: list[Any]) -> Iterator[Problem]:
    names = [query.get("id") for query in queries]
    if sum(bool(query.get("returnData")) for query in queries) != 1:
        yield Problem("metricQueries", "exactly one query must return data")
    for index, query in enumerate(queries):
        path = f"metricQueries[{index}]"
        if not re.fullmatch(r"[a-z][A-Za-z0-9_]*", str(query.get("id"))):
            yield Problem(f"{path}.id", f"{query.get('id')!r} must start in lower case")
        if (query.get("metric") is None) == (query.get("expression") is None):
            yield Problem(path, "a query has a metric or an expression")
        words = set(re.findall(r"\b[a-z][A-Za-z0-9_]*\b", str(query.get("expression") or "")))
        if missing := words - set(names):
            yield Problem(f"{path}.expression", f"no query has the id {sorted(missing)}")


def _alarm_outputs(_inputs: Inputs, call: Call, name: str) -> dict[str, Any]:
    return {"arn": call.arn("cloudwatch", f"alarm:{name}")}


def _admit_composite(inputs: Inputs, call: Call, _own: Record | None) -> None:
    for name in re.findall(
        r"(?:ALARM|OK|INSUFFICIENT_DATA)\(\"?([^\")]+)\"?\)", inputs["alarmRule"]
    ):
        wanted = name.rpartition(":alarm:")[2]
        if not call.cloud.find(ALARM, call.region, name=wanted):
            refuse(f"ValidationError: the rule names {wanted!r}, which is no alarm")


def _check_dashboard(inputs: Inputs) -> Iterator[Problem]:
    body = document(inputs.get("dashboardBody"))
    if body is None:
        return
    for index, widget in enumerate(body.get("widgets", [])):
        here = f"widgets[{index}]"
        if widget.get("type") not in ("metric", "text", "log", "alarm", "explorer"):
            yield Problem("dashboardBody", f"{here}.type {widget.get('type')!r}")
        if (
            not 1 <= widget.get("width", 6) <= 24
            or widget.get("x", 0) + widget.get("width", 6) > 24
        ):
            yield Problem("dashboardBody", f"{here} is wider than the dashboard's 24 columns")
        properties = widget.get("properties", {})
        if widget.get("type") == "metric" and "region" not in properties:
            yield Problem("dashboardBody", f"{here}: a metric widget needs a region")


def _check_filter(inputs: Inputs) -> Iterator[Problem]:
    change = inputs.get("metricTransformation") or {}
    if change.get("dimensions") and change.get("defaultValue") is not None:
        yield Problem("metricTransformation", "dimensions or defaultValue, not both")


def _admit_topic(inputs: Inputs, call: Call, _own: Record | None) -> None:
    key = inputs.get("kmsMasterKeyId")
    if key and key != "alias/aws/sns":
        need_key_grant(key, "cloudwatch.amazonaws.com", call)


def _topic_outputs(_inputs: Inputs, _call: Call, arn: str) -> dict[str, Any]:
    return {"arn": arn, "owner": ACCOUNT, "beginningArchiveTime": ""}


_ENDPOINTS = {
    "email": r"[^@\s]+@[^@\s]+\.[^@\s]+",
    "email-json": r"[^@\s]+@[^@\s]+\.[^@\s]+",
    "https": r"https://\S+",
    "http": r"http://\S+",
    "sms": r"\+?\d+",
    "sqs": r"arn:\S+",
    "lambda": r"arn:\S+",
}


def _check_subscription(inputs: Inputs) -> Iterator[Problem]:
    form, address = _ENDPOINTS.get(inputs.get("protocol", "")), inputs.get("endpoint")
    if form and known(address) and not re.fullmatch(form, address):
        yield Problem("endpoint", f"Invalid parameter: {inputs['protocol']} endpoint {address!r}")


KINDS = (
    Kind(LOG_GROUP, by("name"), _log_group_outputs, admit=_admit_log_group,
         autoname=Autoname(longest=512), unique=("name",)),
    Kind(ALARM, by("name"), _alarm_outputs, _check_alarm, autoname=Autoname(), unique=("name",)),
    Kind(COMPOSITE, by("alarmName"), _alarm_outputs, admit=_admit_composite,
         unique=("alarmName",)),
    Kind(DASHBOARD, by("dashboardName"), lambda _i, call, name: {"dashboardArn":
         call.arn("cloudwatch", f"dashboard/{name}", regional=False)}, _check_dashboard,
         unique=("dashboardName",)),
    Kind(FILTER, by("name"), check=_check_filter, autoname=Autoname(),
         names={"logGroupName": LOG_GROUP}),
    Kind(TOPIC, lambda inputs, call: call.arn("sns", inputs["name"]), _topic_outputs,
         admit=_admit_topic, autoname=Autoname(longest=80), unique=("name",)),
    Kind(TOPIC_POLICY, by("arn"), lambda _i, _c, _own: {"owner": ACCOUNT},
         lambda inputs: policy_problems(inputs, "policy", principal=True)),
    Kind(SUBSCRIPTION, lambda inputs, call: f"{inputs['topic']}:{call.cloud.next_hex(12)}",
         lambda inputs, _c, arn: {"arn": arn, "ownerId": ACCOUNT, "pendingConfirmation":
         inputs["protocol"].startswith("email")}, _check_subscription),
    Kind("aws:cloudwatch/logResourcePolicy:LogResourcePolicy", by("policyName")),
)  # fmt: skip
