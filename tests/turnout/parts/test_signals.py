"""From a signal to its alarm and its place on the dashboard."""

from typing import Any, Final

import pytest
from tests.turnout.programs import BASELINE, plan, tier_plan

from turnout.config.surroundings import Alarms, Scaling
from turnout.contract import Metric, Signal
from turnout.parts.alarms import describe
from turnout.parts.door_signals import healthy_hosts
from turnout.plan import Secret

ALARM: Final = "aws:cloudwatch/metricAlarm:MetricAlarm"
NIGHTS: Final = {"name": "nights", "cron": "0 20 * * *", "min": 0, "max": 0}


def alarm(name: str, kind: str = "ecs", **service: Any) -> dict[str, Any]:
    found = plan({**BASELINE, **service}, target=kind)
    (one,) = [a for a in found.of_type(ALARM) if a.inputs["name"] == f"hate-speech-api-{name}"]
    return dict(one.inputs)


def test_cpu_is_watched_as_before_turnout() -> None:
    made = alarm("ecs-cpu")
    assert made["metricName"] == "CPUUtilization"
    assert made["namespace"] == "AWS/ECS"
    assert made["threshold"] == 80
    assert made["comparisonOperator"] == "GreaterThanThreshold"
    assert (made["period"], made["evaluationPeriods"], made["statistic"]) == (300, 2, "Average")


def test_bounds_are_those_of_the_file() -> None:
    alarms = {"cpu": 55, "period": 60, "evaluation_periods": 5, "response_time": 0.5}
    assert alarm("ecs-cpu", alarms=alarms)["threshold"] == 55
    assert alarm("ecs-response-time", alarms=alarms)["threshold"] == 0.5
    assert alarm("ecs-cpu", alarms=alarms)["period"] == 60
    assert alarm("ecs-cpu", alarms=alarms)["datapointsToAlarm"] == 5


@pytest.mark.parametrize(("fewest", "threshold"), [(1, 1), (2, 2), (7, 2)])
def test_too_few_healthy_copies_are_fewer_than_two_or_than_the_fewest(
    fewest: int, threshold: int
) -> None:
    signal = healthy_hosts({}, Scaling(min=fewest))
    assert signal.metric.name == "HealthyHostCount"
    assert signal.threshold == threshold
    assert signal.bad_when == "below"
    assert signal.missing == "breaching"


def test_where_a_schedule_stops_every_copy_an_unhealthy_one_is_the_sign() -> None:
    made = alarm("ecs-healthy-hosts", scaling={"schedules": [NIGHTS]})
    assert made["metricName"] == "UnHealthyHostCount"
    assert made["comparisonOperator"] == "GreaterThanThreshold"
    assert made["threshold"] == 0


def test_errors_are_a_share_of_the_requests() -> None:
    made = alarm("ecs-errors", alarms={"errors": 3})
    assert made["threshold"] == 3
    queries = {query["id"]: query for query in made["metricQueries"]}
    assert queries["part"]["metric"]["metricName"] == "HTTPCode_Target_5XX_Count"
    assert queries["whole"]["metric"]["metricName"] == "RequestCount"
    assert queries["share"]["returnData"] is True
    assert not queries["part"].get("returnData")
    # No requests at all must not divide by nothing.
    assert queries["share"]["expression"].startswith("IF(whole > 0,")


def test_requests_that_nobody_took_are_watched_at_the_load_balancer() -> None:
    made = alarm("alb-errors")
    assert made["metricName"] == "HTTPCode_ELB_5XX_Count"
    assert made["threshold"] == 0


def test_a_certificate_that_nobody_renews_is_told_a_month_before_its_end() -> None:
    made = alarm("alb-certificate")
    assert (made["namespace"], made["metricName"]) == ("AWS/CertificateManager", "DaysToExpiry")
    assert made["dimensions"] == {"CertificateArn": BASELINE["certificate"]}
    assert (made["threshold"], made["comparisonOperator"]) == (30, "LessThanThreshold")
    # ACM has a figure a day: the file's own period would find none in most.
    assert (made["period"], made["evaluationPeriods"], made["datapointsToAlarm"]) == (86_400, 1, 1)
    assert made["alarmDescription"].endswith("certificate below 30 days")


def test_plain_http_has_no_certificate_to_watch() -> None:
    said = {key: value for key, value in BASELINE.items() if key != "certificate"}
    found = plan(said, target="ecs", plain_http=True)
    assert not [a for a in found.of_type(ALARM) if "certificate" in a.name]


def test_machines_that_fall_silent_are_an_alarm() -> None:
    assert alarm("ec2-memory", "ec2")["treatMissingData"] == "breaching"
    assert alarm("ec2-memory", "ec2")["namespace"] == "CWAgent"
    with_nights = alarm("ec2-memory", "ec2", scaling={"schedules": [NIGHTS]})
    assert with_nights["treatMissingData"] == "notBreaching"


def test_an_alarm_says_in_words_what_is_wrong() -> None:
    metric = Metric(namespace="n", name="m", dimensions={}, statistic="Average")
    signal = Signal(
        metric=metric, unit="seconds", bad_when="above", threshold=5, missing="breaching"
    )
    said = describe("hate-speech-api on ecs", "response-time", signal)
    assert said == "hate-speech-api on ecs: response time above 5 s"


def test_the_topic_is_encrypted_with_a_key_that_cloudwatch_may_use() -> None:
    found = tier_plan("ecs")
    (topic,) = found.of_type("aws:sns/topic:Topic")
    assert topic.dependencies["kmsMasterKeyId"]
    (key,) = found.of_type("aws:kms/key:Key")
    assert key.inputs["enableKeyRotation"] is True
    assert "cloudwatch.amazonaws.com" in key.inputs["policy"]


def test_mail_and_hooks_subscribe_and_a_hook_is_a_secret() -> None:
    notify = ["a@example.com", "https://hooks.example.com/x"]
    found = plan({**BASELINE, "alarms": {"notify": notify}}, target="ecs")
    subscriptions = found.of_type("aws:sns/topicSubscription:TopicSubscription")
    told = {s.inputs["protocol"]: s.inputs["endpoint"] for s in subscriptions}
    assert told == {"email": notify[0], "https": Secret()}


def test_the_defaults_are_the_users_own_figures() -> None:
    told = Alarms()
    assert (told.cpu, told.memory, told.response_time) == (80, 80, 5)
