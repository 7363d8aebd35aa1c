import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from turnout.plan import Plan, ProgramError, Secret, Unknown, plan_program

MakePlan = Callable[..., Plan]
TOPIC = "urn:pulumi:dev::shop::aws:sns/topic:Topic::topic"


def test_a_resource_is_recorded_with_the_engines_names(planned: MakePlan) -> None:
    plan = planned('aws.sns.Topic("topic", display_name="x", tags={"snake_key": "y"})')
    (topic,) = plan.resources
    assert topic.urn == TOPIC
    assert topic.type == "aws:sns/topic:Topic"
    assert topic.name == "topic"
    assert topic.inputs == {"displayName": "x", "tags": {"snake_key": "y"}}


def test_a_component_is_the_parent_of_its_resources_as_in_the_engine(planned: MakePlan) -> None:
    plan = planned(
        """
class Shop(pulumi.ComponentResource):
    def __init__(self):
        super().__init__("my:index:Shop", "shop")
        aws.sns.Topic("topic", opts=pulumi.ResourceOptions(parent=self))
Shop()"""
    )
    shop, topic = plan.resources
    assert not shop.custom
    assert shop.urn == "urn:pulumi:dev::shop::my:index:Shop::shop"
    assert topic.parent == shop.urn
    assert topic.urn == "urn:pulumi:dev::shop::my:index:Shop$aws:sns/topic:Topic::topic"


def test_an_input_comes_back_as_an_output_and_what_aws_makes_is_unknown(
    planned: MakePlan,
) -> None:
    plan = planned(
        """
topic = aws.sns.Topic("topic", display_name="x")
pulumi.export("given", topic.display_name)
pulumi.export("made", topic.arn)
pulumi.export("id", topic.id)"""
    )
    assert plan.outputs == {"given": "x", "made": Unknown(), "id": Unknown()}


def test_an_unknown_says_which_resources_it_is_made_from(planned: MakePlan) -> None:
    plan = planned(
        """
topic = aws.sns.Topic("topic")
aws.cloudwatch.MetricAlarm("alarm", comparison_operator="GreaterThanThreshold",
    evaluation_periods=1, alarm_actions=[topic.arn],
    dimensions={"Topic": pulumi.Output.concat("a/", topic.name)})"""
    )
    (alarm,) = plan.of_type("aws:cloudwatch/metricAlarm:MetricAlarm")
    assert alarm.inputs["alarmActions"] == [Unknown((TOPIC,))]
    assert alarm.inputs["dimensions"] == {"Topic": Unknown((TOPIC,))}
    assert alarm.dependencies == {"alarmActions": (TOPIC,), "dimensions": (TOPIC,)}


def test_a_secret_is_marked_and_not_held(planned: MakePlan) -> None:
    plan = planned('aws.sns.Topic("topic", display_name=pulumi.Output.secret("hush"))')
    assert plan.resources[0].inputs == {"displayName": Secret()}
    text = json.dumps(plan.to_json())
    assert "hush" not in text
    assert '"displayName": "[secret]"' in text


def test_a_secret_of_the_config_stays_one(planned: MakePlan) -> None:
    plan = planned(
        'aws.sns.Topic("topic", display_name=pulumi.Config().require_secret("key"))',
        config={"shop:key": "[secret]"},
        secret_keys=["shop:key"],
    )
    assert plan.resources[0].inputs == {"displayName": Secret()}


def test_json_of_an_unknown_names_its_sources(planned: MakePlan) -> None:
    plan = planned(
        'topic = aws.sns.Topic("topic")\naws.sns.TopicPolicy("policy", arn=topic.arn, policy="{}")'
    )
    policy = plan.to_json()["resources"][1]
    assert policy["inputs"]["arn"] == {"__unknown__": {"sources": [TOPIC]}}
    assert policy["inputs"]["policy"] == "{}"


def test_options_are_recorded(planned: MakePlan) -> None:
    plan = planned(
        """
topic = aws.sns.Topic("topic")
aws.sns.Topic("other", opts=pulumi.ResourceOptions(
    protect=True, ignore_changes=["displayName"], depends_on=[topic]))"""
    )
    other = plan.resources[1]
    assert other.protect
    assert other.ignore_changes == ("displayName",)
    assert other.depends_on == (TOPIC,)


def test_whole_numbers_are_whole(planned: MakePlan) -> None:
    plan = planned(
        'aws.cloudwatch.MetricAlarm("alarm", comparison_operator="GreaterThanThreshold",'
        "evaluation_periods=2, threshold=0.5)"
    )
    assert plan.resources[0].inputs["evaluationPeriods"] == 2
    assert isinstance(plan.resources[0].inputs["evaluationPeriods"], int)
    assert plan.resources[0].inputs["threshold"] == 0.5


@pytest.mark.parametrize(
    ("function", "wanted"),
    [
        ("aws.get_caller_identity().account_id", "123456789012"),
        ("aws.get_region().region", "eu-west-1"),
        ("aws.get_partition().partition", "aws"),
        ("aws.get_availability_zones().names[0]", "eu-west-1a"),
    ],
)
def test_provider_functions_answer_for_the_stacks_region(
    planned: MakePlan, function: str, wanted: str
) -> None:
    assert planned(f'pulumi.export("said", {function})').outputs == {"said": wanted}


def test_a_provider_function_without_an_answer_ends_the_plan(planned: MakePlan) -> None:
    with pytest.raises(ProgramError, match="no answer to aws:index/getIpRanges:getIpRanges"):
        planned('aws.get_ip_ranges(services=["ec2"])')


def test_warnings_of_the_program_are_kept(planned: MakePlan) -> None:
    assert planned('pulumi.log.warn("take care")').warnings == ("take care",)


def test_an_error_that_the_program_logs_fails_the_plan(planned: MakePlan) -> None:
    with pytest.raises(ProgramError, match="it cannot be"):
        planned('pulumi.log.error("it cannot be")')


def test_a_programs_own_error_is_its_text(planned: MakePlan) -> None:
    with pytest.raises(ProgramError) as caught:
        planned('raise pulumi.RunError("set the name")')
    assert str(caught.value) == "set the name"


def test_a_programs_mistake_is_named_with_its_line(planned: MakePlan) -> None:
    with pytest.raises(ProgramError, match=r"__main__\.py:3: ZeroDivisionError: division by zero"):
        planned("1 / 0")


def test_a_mistake_inside_apply_fails_the_plan(planned: MakePlan) -> None:
    with pytest.raises(ProgramError, match="KeyError"):
        planned('pulumi.Output.from_input({}).apply(lambda said: said["x"])')


def test_two_resources_of_one_name_are_refused_as_by_the_engine(planned: MakePlan) -> None:
    with pytest.raises(ProgramError, match="two resources are called topic"):
        planned('aws.sns.Topic("topic")\naws.sns.Topic("topic")')


def test_missing_config_is_named(planned: MakePlan) -> None:
    with pytest.raises(ProgramError, match="shop:size"):
        planned('pulumi.Config().require("size")')


def test_plans_do_not_touch_each_other(planned: MakePlan) -> None:
    # Of different lengths: Python takes a file of the same second and size for the same.
    first = planned('aws.sns.Topic("first")')
    second = planned('aws.sns.Topic("second")')
    assert [resource.name for resource in first.resources] == ["first"]
    assert [resource.name for resource in second.resources] == ["second"]


def test_a_plan_can_be_made_in_a_thread(planned: MakePlan, tmp_path: Path) -> None:
    planned('aws.sns.Topic("one")')
    found: list[Plan] = []
    thread = threading.Thread(
        target=lambda: found.append(plan_program(tmp_path, project="p", stack="s", config={}))
    )
    thread.start()
    thread.join()
    assert [resource.name for resource in found[0].resources] == ["one"]
