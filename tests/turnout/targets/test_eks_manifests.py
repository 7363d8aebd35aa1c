"""The Kubernetes objects of a service, held against the API's own schemas and by hand."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import kubernetes_validate
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnout.config.surroundings import Scaling
from turnout.targets.eks import capacity, manifests
from turnout.targets.eks.lifecycle import leaving, settling
from turnout.targets.eks.manifests import Manifest, Objects

# The oldest version that EKS still runs, the default, and the newest whose schemas are published.
VERSIONS = ["1.32", "1.36", "1.37"]
BUILT_IN = [
    manifests.namespace,
    manifests.service_account,
    manifests.service,
    manifests.deployment,
    manifests.autoscaler,
    manifests.disruption_budget,
    manifests.network_policy,
]
SELECTOR = {"app.kubernetes.io/name": "hate-speech-api"}


def objects(**changes: Any) -> Objects:
    given_objects = Objects(
        name="hate-speech-api",
        namespace="moderation",
        image="registry.example/hate-speech-api@sha256:" + "0" * 64,
        port=8000,
        environment={"TURNOUT_REQUEST_TIMEOUT": "25", "TURNOUT_PORT": "8000"},
        cpu="2",
        memory="4Gi",
        node_selector={"kubernetes.io/arch": "amd64"},
        spread=capacity.spread(SELECTOR, 0),
        leaving=leaving(deregistration_delay=30, request_timeout=25),
        settling=settling(interval=30, healthy_threshold=2),
        scaling=Scaling(min=2, max=10),
        load_balancing="auto_mode",
        target_group_arn="arn:aws:elasticloadbalancing:ap-northeast-2:123456789012:targetgroup/a/b",
        client_cidrs=["10.20.0.0/16"],
    )
    return replace(given_objects, **changes)


def pod(**changes: Any) -> dict[str, Any]:
    spec: dict[str, Any] = manifests.deployment(objects(**changes))["spec"]["template"]["spec"]
    return spec


def container(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = pod(**changes)["containers"][0]
    return found


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("make", BUILT_IN, ids=lambda make: make.__name__)
def test_every_object_is_what_the_kubernetes_api_takes(
    make: Callable[[Objects], Manifest], version: str
) -> None:
    kubernetes_validate.validate(make(objects()), version, strict=True)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_switch_for_network_policies_is_what_the_kubernetes_api_takes(version: str) -> None:
    kubernetes_validate.validate(manifests.network_policy_switch(), version, strict=True)


@settings(max_examples=25, deadline=None)
@given(
    share=st.integers(0, 100),
    cooldown=st.integers(0, 3600),
    least=st.integers(1, 50),
    more=st.integers(0, 50),
    delay=st.integers(0, 3600),
    timeout=st.integers(1, 900),
)
def test_whatever_the_stack_file_says_the_objects_stay_valid(
    share: int, cooldown: int, least: int, more: int, delay: int, timeout: int
) -> None:
    changed = objects(
        spread=capacity.spread(SELECTOR, share),
        scaling=Scaling(
            min=least,
            max=least + more,
            scale_out_cooldown=cooldown,
            scale_in_cooldown=cooldown,
        ),
        leaving=leaving(delay, timeout),
    )
    for make in (manifests.deployment, manifests.autoscaler):
        kubernetes_validate.validate(make(changed), "1.36", strict=True)
    for direction in manifests.autoscaler(changed)["spec"]["behavior"].values():
        assert 0 <= direction["stabilizationWindowSeconds"] <= 3600
        assert all(1 <= policy["periodSeconds"] <= 1800 for policy in direction["policies"])


def test_the_namespace_admits_only_restricted_pods() -> None:
    labels = manifests.namespace(objects())["metadata"]["labels"]
    for mode in ("enforce", "audit", "warn"):
        assert labels[f"pod-security.kubernetes.io/{mode}"] == "restricted"


def test_the_pod_meets_the_restricted_standard() -> None:
    assert pod()["securityContext"]["runAsNonRoot"] is True
    assert pod()["securityContext"]["runAsUser"] == 10001
    assert pod()["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    context = container()["securityContext"]
    assert context["allowPrivilegeEscalation"] is False
    assert context["capabilities"] == {"drop": ["ALL"]}
    allowed = {"configMap", "downwardAPI", "emptyDir", "projected", "secret"}
    assert all(set(volume) - {"name"} <= allowed for volume in pod()["volumes"])


def test_only_tmp_can_be_written() -> None:
    assert container()["securityContext"]["readOnlyRootFilesystem"] is True
    assert [mount["mountPath"] for mount in container()["volumeMounts"]] == ["/tmp"]


def test_no_pod_holds_a_token_for_the_kubernetes_api() -> None:
    assert pod()["automountServiceAccountToken"] is False
    assert manifests.service_account(objects())["automountServiceAccountToken"] is False


def test_a_service_called_turnout_does_not_become_a_setting() -> None:
    assert pod()["enableServiceLinks"] is False


def test_a_pod_serves_on_until_the_load_balancer_has_let_go_of_it() -> None:
    steps = leaving(deregistration_delay=30, request_timeout=25)
    assert container(leaving=steps)["lifecycle"]["preStop"]["sleep"]["seconds"] > 30
    assert pod(leaving=steps)["terminationGracePeriodSeconds"] == steps.grace


@given(st.integers(0, 3600), st.integers(1, 900))
def test_kubernetes_never_kills_a_pod_that_keeps_its_time(delay: int, timeout: int) -> None:
    steps = leaving(delay, timeout)
    assert steps.pre_stop > delay
    assert steps.drain.timeout > timeout
    assert steps.grace > steps.pre_stop + steps.drain.timeout


def test_the_server_does_not_wait_for_the_load_balancer_a_second_time() -> None:
    steps = leaving(deregistration_delay=300, request_timeout=25)
    environment = {entry["name"]: entry["value"] for entry in container(leaving=steps)["env"]}
    assert int(environment["TURNOUT_DRAIN_WAIT"]) <= 10
    assert int(environment["TURNOUT_DRAIN_TIMEOUT"]) > 25


def test_an_old_pod_leaves_only_once_the_load_balancer_trusts_the_new_one() -> None:
    spec = manifests.deployment(objects())["spec"]
    assert spec["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert spec["minReadySeconds"] > 30 * 2
    assert spec["progressDeadlineSeconds"] > spec["minReadySeconds"]


def test_replicas_are_the_autoscalers_alone() -> None:
    assert "replicas" not in manifests.deployment(objects())["spec"]
    reference = manifests.autoscaler(objects())["spec"]["scaleTargetRef"]
    assert reference["name"] == manifests.deployment(objects())["metadata"]["name"]


def test_probes_ask_what_each_is_for() -> None:
    paths = {
        probe: container()[probe]["httpGet"]["path"]
        for probe in ("startupProbe", "readinessProbe", "livenessProbe")
    }
    assert paths == {
        "startupProbe": "/readyz",
        "readinessProbe": "/readyz",
        "livenessProbe": "/livez",
    }


def test_limits_are_the_requests_so_that_threads_follow_the_quota() -> None:
    resources = container()["resources"]
    assert resources["limits"] == resources["requests"]
    assert resources["requests"]["memory"] == "4Gi"


def test_a_disruption_is_always_allowed_and_never_two() -> None:
    assert manifests.disruption_budget(objects())["spec"]["maxUnavailable"] == 1


def test_pods_are_reached_on_the_servers_port_from_the_load_balancer_alone() -> None:
    (rule,) = manifests.network_policy(objects())["spec"]["ingress"]
    assert rule["ports"] == [{"protocol": "TCP", "port": 8000}]
    assert rule["from"] == [{"ipBlock": {"cidr": "10.20.0.0/16"}}]


def test_pods_reach_names_https_and_their_identity_and_nothing_else() -> None:
    egress = manifests.network_policy(objects())["spec"]["egress"]
    opened = {
        (port["protocol"], port["port"], str(rule.get("to", "anywhere")))
        for rule in egress
        for port in rule["ports"]
    }
    assert opened == {
        ("UDP", 53, "anywhere"),
        ("TCP", 53, "anywhere"),
        ("TCP", 443, "anywhere"),
        ("TCP", 80, "[{'ipBlock': {'cidr': '169.254.170.23/32'}}]"),
    }


def test_every_selector_finds_the_pods_and_labels_are_the_recommended_ones() -> None:
    labels = manifests.deployment(objects())["spec"]["template"]["metadata"]["labels"]
    selectors = [
        manifests.deployment(objects())["spec"]["selector"]["matchLabels"],
        manifests.service(objects())["spec"]["selector"],
        manifests.disruption_budget(objects())["spec"]["selector"]["matchLabels"],
        manifests.network_policy(objects())["spec"]["podSelector"]["matchLabels"],
    ]
    assert all(selector == SELECTOR for selector in selectors)
    assert SELECTOR.items() <= labels.items()
    assert {f"app.kubernetes.io/{key}" for key in ("name", "instance", "part-of")} <= labels.keys()


# The fields of both groups' TargetGroupBinding, from the AWS Load Balancer Controller's CRD; Auto
# Mode's takes the same less `targetGroupName`, and wants `targetType` said.
BINDING_FIELDS = {
    "serviceRef": dict,
    "targetGroupARN": str,
    "targetType": str,
    "networking": dict,
    "nodeSelector": dict,
    "ipAddressType": str,
    "vpcID": str,
}


@pytest.mark.parametrize(
    ("load_balancing", "api"),
    [("auto_mode", "eks.amazonaws.com/v1"), ("controller", "elbv2.k8s.aws/v1beta1")],
)
def test_the_binding_is_what_its_controller_takes(
    load_balancing: manifests.LoadBalancing, api: str
) -> None:
    binding = manifests.target_group_binding(objects(load_balancing=load_balancing))
    assert (binding["apiVersion"], binding["kind"]) == (api, "TargetGroupBinding")
    spec = binding["spec"]
    assert all(isinstance(spec[key], BINDING_FIELDS[key]) for key in spec)
    assert spec["targetType"] == "ip"
    ports = {port["port"] for port in manifests.service(objects())["spec"]["ports"]}
    assert spec["serviceRef"]["name"] == manifests.service(objects())["metadata"]["name"]
    assert spec["serviceRef"]["port"] in ports


def test_the_controller_leaves_the_stacks_security_groups_alone() -> None:
    assert "networking" not in manifests.target_group_binding(objects())["spec"]


def test_only_the_controller_that_has_a_readiness_gate_is_asked_for_it() -> None:
    label = "elbv2.k8s.aws/pod-readiness-gate-inject"
    gated = manifests.namespace(objects(load_balancing="controller"))
    assert gated["metadata"]["labels"][label] == "enabled"
    assert label not in manifests.namespace(objects())["metadata"]["labels"]


def test_pulumi_does_not_wait_for_the_pods_of_the_service_before_it_makes_them() -> None:
    annotations = manifests.service(objects())["metadata"]["annotations"]
    assert annotations["pulumi.com/skipAwait"] == "true"
