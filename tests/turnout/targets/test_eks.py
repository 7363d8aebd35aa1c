"""The EKS tier: the cluster, who may do what in it, and the objects as Pulumi sends them."""

import functools
import json
from collections.abc import Mapping, Sequence
from typing import Any

import kubernetes_validate
import pytest
from tests.turnout.programs import (
    ACCOUNT,
    BASELINE,
    EVERYTHING,
    make,
    plan,
    tier_made,
    tier_plan,
)

from turnout.plan import Plan, PlannedResource, plain
from turnout.targets.eks.cluster import check_vpc

CLUSTER = "aws:eks/cluster:Cluster"
EXISTING = {
    "vpc": "vpc-0123456789abcdef0",
    "subnets": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
}
Made = Sequence[PlannedResource]


@functools.cache
def opened() -> Made:
    """A cluster that administrators reach from outside, with Spot, on Graviton."""
    tier = {
        "kind": "eks",
        "spot": 40,
        "architecture": "arm64",
        "public_access_cidrs": ["203.0.113.0/24"],
        "admins": [f"arn:aws:iam::{ACCOUNT}:role/ops/admin", f"arn:aws:iam::{ACCOUNT}:user/kim"],
    }
    return make(BASELINE, target=tier)


@functools.cache
def shared() -> Plan:
    """Pods in a cluster that the stack does not own."""
    cluster = {"name": "shared", "load_balancing": "controller", "node_selector": {"pool": "cpu"}}
    target = {"kind": "eks", "cluster": cluster, "namespace": "moderation"}
    return plan(EVERYTHING, target=target, network={"existing": EXISTING}, access="internal")


def of_type(resources: Made, token: str) -> list[PlannedResource]:
    return [resource for resource in resources if resource.type == token]


def the(resources: Made, token: str) -> Mapping[str, Any]:
    (found,) = of_type(resources, token)
    return found.inputs


def cluster() -> Mapping[str, Any]:
    return the(tier_made("eks"), CLUSTER)


def test_the_cluster_is_in_auto_mode_in_all_three_ways() -> None:
    found = cluster()
    assert found["computeConfig"]["enabled"] is True
    assert found["kubernetesNetworkConfig"]["elasticLoadBalancing"] == {"enabled": True}
    assert found["storageConfig"]["blockStorage"] == {"enabled": True}
    assert found["bootstrapSelfManagedAddons"] is False


def test_the_clusters_api_is_private_unless_networks_are_listed() -> None:
    private = cluster()["vpcConfig"]
    assert (private["endpointPrivateAccess"], private["endpointPublicAccess"]) == (True, False)
    assert "publicAccessCidrs" not in private
    public = the(opened(), CLUSTER)["vpcConfig"]
    assert public["endpointPublicAccess"] is True
    assert public["publicAccessCidrs"] == ["203.0.113.0/24"]
    assert public["endpointPrivateAccess"] is True


def test_the_private_api_lets_the_vpc_in_or_nobody_could_deploy() -> None:
    (rule,) = [
        r.inputs
        for r in of_type(
            tier_made("eks"), "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
        )
        if r.name == "hate-speech-api-eks-api"
    ]
    assert (rule["fromPort"], rule["cidrIpv4"]) == (443, "10.20.0.0/16")
    assert rule["securityGroupId"] in cluster()["vpcConfig"]["securityGroupIds"]


def test_kubernetes_secrets_are_encrypted_with_a_key_that_rotates() -> None:
    assert cluster()["encryptionConfig"]["resources"] == ["secrets"]
    (key,) = [
        r
        for r in of_type(tier_made("eks"), "aws:kms/key:Key")
        if r.inputs["description"].startswith("Kubernetes secrets")
    ]
    assert key.inputs["enableKeyRotation"] is True
    assert key.protect
    (administered,) = json.loads(key.inputs["policy"])["Statement"]
    assert administered["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}


def test_the_control_plane_logs_all_it_has_to_a_group_that_forgets() -> None:
    found = cluster()
    assert len(found["enabledClusterLogTypes"]) == 5
    (group,) = [
        r.inputs
        for r in of_type(tier_made("eks"), "aws:cloudwatch/logGroup:LogGroup")
        if r.inputs["name"] == f"/aws/eks/{found['name']}/cluster"
    ]
    assert group["retentionInDays"] == 30


def test_access_is_by_entries_and_administrators_are_those_listed() -> None:
    assert cluster()["accessConfig"]["authenticationMode"] == "API"
    entries = of_type(opened(), "aws:eks/accessEntry:AccessEntry")
    assert [entry.inputs["principalArn"] for entry in entries] == [
        f"arn:aws:iam::{ACCOUNT}:role/ops/admin",
        f"arn:aws:iam::{ACCOUNT}:user/kim",
    ]
    policies = of_type(opened(), "aws:eks/accessPolicyAssociation:AccessPolicyAssociation")
    assert {policy.inputs["policyArn"] for policy in policies} == {
        "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
    }


def attached(role: str) -> set[str]:
    return {
        str(r.inputs["policyArn"]).rpartition("/")[2]
        for r in of_type(tier_made("eks"), "aws:iam/rolePolicyAttachment:RolePolicyAttachment")
        if r.name.startswith(f"hate-speech-api-eks-{role}-")
    }


def test_the_roles_hold_what_auto_mode_asks_for_and_no_more() -> None:
    assert attached("cluster") == {
        "AmazonEKSBlockStoragePolicy",
        "AmazonEKSClusterPolicy",
        "AmazonEKSComputePolicy",
        "AmazonEKSLoadBalancingPolicy",
        "AmazonEKSNetworkingPolicy",
    }
    assert attached("node") == {
        "AmazonEC2ContainerRegistryPullOnly",
        "AmazonEKSWorkerNodeMinimalPolicy",
    }


def trust(role: str) -> dict[str, Any]:
    (found,) = [
        r
        for r in of_type(tier_made("eks", everything=True), "aws:iam/role:Role")
        if r.name == f"hate-speech-api-eks-{role}"
    ]
    (statement,) = json.loads(found.inputs["assumeRolePolicy"])["Statement"]
    return dict(statement)


def test_eks_may_mark_the_sessions_of_the_roles_that_need_it() -> None:
    assert trust("cluster")["Action"] == ["sts:AssumeRole", "sts:TagSession"]
    assert trust("pods")["Action"] == ["sts:AssumeRole", "sts:TagSession"]
    assert trust("node")["Action"] == "sts:AssumeRole"


def test_only_the_services_own_pods_get_its_role() -> None:
    statement = trust("pods")
    assert statement["Principal"] == {"Service": "pods.eks.amazonaws.com"}
    tags = statement["Condition"]["StringEquals"]
    assert tags["aws:RequestTag/kubernetes-namespace"] == "hate-speech-api"
    assert tags["aws:RequestTag/kubernetes-service-account"] == "hate-speech-api"
    assert tags["aws:RequestTag/eks-cluster-arn"].endswith("/hate-speech-api-test")


def test_pods_that_read_nothing_have_no_role() -> None:
    token = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
    agent = ("amazon-cloudwatch", "cloudwatch-agent")

    def identities(*, everything: bool) -> set[tuple[str, str]]:
        made = of_type(tier_made("eks", everything=everything), token)
        return {(one.inputs["namespace"], one.inputs["serviceAccount"]) for one in made}

    assert identities(everything=False) == {agent}
    assert identities(everything=True) == {agent, ("hate-speech-api", "hate-speech-api")}


def test_auto_mode_gets_the_metrics_server_and_container_insights() -> None:
    add_ons = {
        r.inputs["addonName"]: r.inputs for r in of_type(tier_made("eks"), "aws:eks/addon:Addon")
    }
    assert set(add_ons) == {"metrics-server", "amazon-cloudwatch-observability"}
    insights = {
        r.inputs["name"].rpartition("/")[2]: r.inputs["retentionInDays"]
        for r in of_type(tier_made("eks"), "aws:cloudwatch/logGroup:LogGroup")
        if "containerinsights" in r.inputs["name"]
    }
    assert insights == dict.fromkeys(("application", "dataplane", "host", "performance"), 30)


def test_the_target_group_carries_the_tag_without_which_no_pod_is_registered() -> None:
    group = the(tier_made("eks"), "aws:lb/targetGroup:TargetGroup")
    assert group["targetType"] == "ip"
    assert group["tags"]["eks:eks-cluster-name"] == cluster()["name"]


def test_pods_and_probes_are_watched_against_their_limits() -> None:
    (cpu,) = [
        r.inputs
        for r in of_type(tier_made("eks"), "aws:cloudwatch/metricAlarm:MetricAlarm")
        if r.name == "hate-speech-api-eks-cpu"
    ]
    assert cpu["namespace"] == "ContainerInsights"
    assert cpu["metricName"] == "pod_cpu_utilization_over_pod_limit"
    assert cpu["dimensions"] == {
        "ClusterName": cluster()["name"],
        "Namespace": "hate-speech-api",
        "PodName": "hate-speech-api",
    }


def objects(resources: Made) -> dict[str, PlannedResource]:
    return {
        resource.inputs["kind"]: resource
        for resource in resources
        if resource.type.startswith("kubernetes:")
    }


BUILT_IN = {
    "ConfigMap",
    "Deployment",
    "HorizontalPodAutoscaler",
    "Namespace",
    "NetworkPolicy",
    "PodDisruptionBudget",
    "Service",
    "ServiceAccount",
}


@pytest.mark.parametrize("kind", sorted(BUILT_IN))
def test_what_pulumi_sends_is_what_the_kubernetes_api_takes(kind: str) -> None:
    sent = objects(tier_made("eks", everything=True))
    kubernetes_validate.validate(plain(sent[kind].inputs), "1.36", strict=True)


def test_there_are_no_other_objects() -> None:
    assert set(objects(tier_made("eks"))) == BUILT_IN | {"NodePool", "TargetGroupBinding"}


def test_every_object_goes_to_the_services_cluster() -> None:
    (provider,) = of_type(tier_made("eks"), "pulumi:providers:kubernetes")
    for found in objects(tier_made("eks")).values():
        assert found.provider == provider.urn
    assert provider.inputs["enableServerSideApply"] == "true"


def test_pods_start_once_their_identity_their_way_in_and_their_fence_are_there() -> None:
    planned = tier_plan("eks", everything=True)
    (deployment,) = planned.of_type("kubernetes:apps/v1:Deployment")
    waited = {urn.rpartition("$")[2].partition("::")[0] for urn in deployment.depends_on}
    assert {
        "kubernetes:eks.amazonaws.com/v1:TargetGroupBinding",
        "kubernetes:networking.k8s.io/v1:NetworkPolicy",
        "kubernetes:core/v1:ServiceAccount",
        "kubernetes:karpenter.sh/v1:NodePool",
    } <= waited
    (namespace,) = planned.of_type("kubernetes:core/v1:Namespace")
    before = {urn.rpartition("$")[2].partition("::")[0] for urn in namespace.depends_on}
    assert "aws:eks/podIdentityAssociation:PodIdentityAssociation" in before
    assert "aws:lb/listenerRule:ListenerRule" in before


def test_requests_are_sent_only_once_the_pods_are_up() -> None:
    (split,) = [
        rule
        for rule in tier_plan("eks").of_type("aws:lb/listenerRule:ListenerRule")
        if rule.name == "hate-speech-api"
    ]
    assert any("kubernetes:apps/v1:Deployment" in urn for urn in split.depends_on)


def test_pods_get_their_settings_from_the_stack_file() -> None:
    spec = objects(tier_made("eks", everything=True))["Deployment"].inputs["spec"]["template"]
    (container,) = spec["spec"]["containers"]
    told = {entry["name"]: entry["value"] for entry in container["env"]}
    assert told["TURNOUT_MODEL"] == EVERYTHING["model"]["uri"]
    assert told["TURNOUT_API_KEYS_SECRET"] == EVERYTHING["api_keys_secret"]
    assert container["image"] == BASELINE["image"]


@pytest.mark.parametrize(
    ("everything", "blocks"),
    [
        (False, {"10.20.0.0/19", "10.20.32.0/19"}),
        (True, {"10.20.128.0/19", "10.20.160.0/19", "10.20.192.0/19"}),
    ],
    ids=["internal", "internet"],
)
def test_pods_admit_the_subnets_of_the_load_balancer_and_no_other(
    everything: bool, blocks: set[str]
) -> None:
    fence = objects(tier_made("eks", everything=everything))["NetworkPolicy"].inputs["spec"]
    (way_in,) = fence["ingress"]
    assert {source["ipBlock"]["cidr"] for source in way_in["from"]} == blocks


def test_machines_are_of_the_images_architecture_and_of_both_kinds_of_capacity() -> None:
    pools = of_type(opened(), "kubernetes:karpenter.sh/v1:NodePool")
    assert {pool.inputs["metadata"]["name"] for pool in pools} == {
        "hate-speech-api-on-demand",
        "hate-speech-api-spot",
    }
    pods = objects(opened())["Deployment"].inputs["spec"]["template"]["spec"]
    assert pods["nodeSelector"] == {
        "kubernetes.io/arch": "arm64",
        "turnout/service": "hate-speech-api",
    }


def test_a_cluster_of_others_is_left_as_it_is() -> None:
    planned = shared()
    assert not planned.of_type(CLUSTER)
    assert not planned.of_type("aws:eks/addon:Addon")
    assert not planned.of_type("aws:eks/accessEntry:AccessEntry")
    kinds = set(objects(planned.resources))
    assert not {"ConfigMap", "NodePool"} & kinds


def test_in_a_cluster_of_others_pods_run_where_they_are_told() -> None:
    sent = objects(shared().resources)
    pods = sent["Deployment"].inputs["spec"]["template"]["spec"]
    assert pods["nodeSelector"] == {"kubernetes.io/arch": "amd64", "pool": "cpu"}
    assert sent["TargetGroupBinding"].inputs["apiVersion"] == "elbv2.k8s.aws/v1beta1"
    assert sent["Deployment"].inputs["metadata"]["namespace"] == "moderation"


def test_a_namespace_of_others_is_left_as_it_is() -> None:
    target = {
        "kind": "eks",
        "cluster": {"name": "shared"},
        "namespace": "moderation",
        "create_namespace": False,
    }
    planned = plan(EVERYTHING, target=target, network={"existing": EXISTING}, access="internal")
    sent = objects(planned.resources)
    assert "Namespace" not in sent
    for found in sent.values():
        assert found.inputs["metadata"]["namespace"] == "moderation"
    # What would have waited for the namespace waits for what the namespace waited for.
    before = {urn.rpartition("$")[2].partition("::")[0] for urn in sent["Service"].depends_on}
    assert "aws:lb/listenerRule:ListenerRule" in before
    assert "aws:eks/podIdentityAssociation:PodIdentityAssociation" in before


def test_a_cluster_is_protected_until_its_tier_is_retired() -> None:
    def protected(**tier: Any) -> set[bool]:
        eks = {"kind": "eks", "weight": 0, **tier}
        planned = plan(BASELINE, targets=[eks, {"kind": "ecs", "weight": 100}])
        (made,) = planned.of_type(CLUSTER)
        keys = [k for k in planned.of_type("aws:kms/key:Key") if k.name.endswith("-eks")]
        assert len(keys) == 1
        return {made.inputs["deletionProtection"], *(key.protect for key in keys)}

    assert protected() == {True}
    assert protected(retire=True) == {False}


def test_the_load_balancer_reaches_pods_of_a_cluster_of_others() -> None:
    (rule,) = [
        r.inputs
        for r in shared().of_type("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
        if r.name == "hate-speech-api-eks-from-balancer"
    ]
    assert (rule["fromPort"], rule["toPort"]) == (8000, 8000)
    assert rule["securityGroupId"] == "sg-0123456789abcdef0"


def test_a_cluster_in_another_vpc_is_refused_by_name() -> None:
    assert check_vpc("shared", "vpc-1", "vpc-1") == "shared"
    with pytest.raises(ValueError, match=r"shared is in vpc-1, the service in vpc-2.*existing"):
        check_vpc("shared", "vpc-1", "vpc-2")


def test_everything_of_the_tier_that_takes_tags_is_tagged() -> None:
    for token in (CLUSTER, "aws:eks/addon:Addon", "aws:kms/key:Key", "aws:iam/role:Role"):
        for found in of_type(tier_made("eks", everything=True), token):
            assert found.inputs["tags"]["turnout:service"] == "hate-speech-api", found.urn
