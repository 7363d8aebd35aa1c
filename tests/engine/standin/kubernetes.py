"""A stand-in for the Kubernetes provider: API servers of the EKS clusters that the cloud has."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from importlib import metadata
from typing import Any

import kubernetes_validate
from tests.engine.standin import sdk
from tests.engine.standin.aws import clusters
from tests.engine.standin.cloud import ACCOUNT, Cloud, Record, RefusedError
from tests.engine.standin.kinds import Call, Inputs, Kind, Registry
from tests.engine.standin.provider import ProviderServicer
from tests.engine.standin.resources import Package, Resources
from tests.engine.standin.sdk import ResourceShape
from tests.engine.standin.shapes import Field, Object, Problem, Scalar
from tests.engine.standin.values import has_unknown, is_unknown, leaves

VERSION = metadata.version("pulumi-kubernetes")
API_VERSION = "1.34.0"
NAMESPACE = "kubernetes:core/v1:Namespace"
ACCOUNT_KIND = "kubernetes:core/v1:ServiceAccount"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
SERVICE = "kubernetes:core/v1:Service"
_SYSTEM_NAMESPACES = {"default", "kube-system", "kube-public"}
_WITHOUT_NAMESPACE = {"Namespace", "NodePool", "NodeClass", "IngressClass", "StorageClass"}
# Custom resources that an EKS cluster in Auto Mode, or one with AWS's controller, serves.
_CUSTOM = {
    "kubernetes:eks.amazonaws.com/v1:TargetGroupBinding": ("serviceRef", "targetGroupARN"),
    "kubernetes:elbv2.k8s.aws/v1beta1:TargetGroupBinding": ("serviceRef", "targetGroupARN"),
    "kubernetes:eks.amazonaws.com/v1:NodeClass": (),
    "kubernetes:karpenter.sh/v1:NodePool": ("template",),
}
_ANYTHING = Scalar("any")


def servicer(cloud: Cloud) -> ProviderServicer:
    def open_cluster(configuration: dict[str, Any]) -> Resources:
        server = _server(configuration)
        with cloud.lock:
            _need_access(server, cloud)
        return Resources(PACKAGE, cloud, server)

    return ProviderServicer(VERSION, configuration_problems, open_cluster, _no_lookups)


def _no_lookups(_resources: Resources, token: str, _arguments: Inputs) -> dict[str, Any]:
    raise RefusedError(f"the kubernetes stand-in knows no {token}")


def configuration_problems(configuration: dict[str, Any]) -> list[Problem]:
    document = configuration.get("kubeconfig")
    if document is None:
        return [Problem("kubeconfig", "a kubeconfig is needed: none of this machine's is used")]
    if is_unknown(document):
        return []
    try:
        _server(configuration)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        return [Problem("kubeconfig", f"is no kubeconfig: {error!r}")]
    return []


def _server(configuration: dict[str, Any]) -> str:
    document = configuration["kubeconfig"]
    document = json.loads(document) if isinstance(document, str) else document
    context = next(c for c in document["contexts"] if c["name"] == document["current-context"])
    wanted = context["context"]["cluster"]
    cluster = next(c for c in document["clusters"] if c["name"] == wanted)["cluster"]
    if cluster["certificate-authority-data"] != clusters.AUTHORITY:
        raise ValueError("certificate signed by unknown authority")
    server: str = cluster["server"]
    return server


def _need_access(server: str, cloud: Cloud) -> None:
    cluster = cloud.find(clusters.CLUSTER, None, endpoint=server)
    if cluster is None:
        raise RefusedError(f"dial tcp: no cluster answers at {server}")
    access = cluster.inputs.get("accessConfig") or {}
    granted = {record.inputs["principalArn"] for record in cloud.of(clusters.ASSOCIATION)}
    creator = access.get("bootstrapClusterCreatorAdminPermissions", True)
    if not creator and not any(f":{ACCOUNT}:" in principal for principal in granted):
        raise RefusedError(f"Unauthorized: nobody may administer {cluster.id}")


class _Kinds(Registry):
    """Every type of the SDK, and the custom ones."""

    def __getitem__(self, token: str) -> Kind | None:
        return _kind(token)


@functools.cache
def _kind(token: str) -> Kind:
    return Kind(
        token,
        identify=lambda inputs, _call: _identity(inputs),
        check=lambda inputs: _object_problems(token, inputs),
        admit=_admit,
        release=_release if token == NAMESPACE else None,
    )


def _identity(inputs: Inputs) -> str:
    about = inputs["metadata"]
    if inputs["kind"] in _WITHOUT_NAMESPACE:
        return str(about["name"])
    return f"{about.get('namespace', 'default')}/{about['name']}"


def _shape(token: str) -> ResourceShape:
    if token not in _CUSTOM:
        return sdk.resource_shape(token, "pulumi_kubernetes")
    names = ("apiVersion", "kind", "metadata", "spec")
    fields = {name: Field(_ANYTHING, required=True) for name in names}
    return ResourceShape(token, Object(token.rpartition(":")[2], fields), frozenset(names))


def _object_problems(token: str, inputs: Inputs) -> Iterator[Problem]:
    name = (inputs.get("metadata") or {}).get("name")
    if name is None:
        yield Problem("metadata.name", "the stand-in gives no automatic names")
    if token in _CUSTOM:
        for needed in _CUSTOM[token]:
            if (inputs.get("spec") or {}).get(needed) is None:
                yield Problem(f"spec.{needed}", "is required")
        return
    if token == DEPLOYMENT:
        yield from _selector_problems(inputs)
    if has_unknown(inputs):
        return
    plain = {key: value for key, value in inputs.items() if not key.startswith("__")}
    try:
        kubernetes_validate.validate(plain, API_VERSION, strict=True)
    except kubernetes_validate.ValidationError as error:
        yield Problem(".".join(map(str, error.path)), str(error.message))


def _selector_problems(inputs: Inputs) -> Iterator[Problem]:
    wanted = inputs["spec"]["selector"].get("matchLabels") or {}
    labels = (inputs["spec"]["template"].get("metadata") or {}).get("labels") or {}
    if not wanted.items() <= labels.items():
        yield Problem("spec.selector", f"does not match the template's labels: {wanted} {labels}")


def _admit(inputs: Inputs, call: Call, own: Record | None) -> None:
    namespace = inputs["metadata"].get("namespace")
    if namespace and namespace not in _SYSTEM_NAMESPACES:
        _need(call, NAMESPACE, namespace)
    spec = inputs.get("spec") or {}
    if call.token == DEPLOYMENT:
        account = spec["template"]["spec"].get("serviceAccountName")
        if account:
            _need(call, ACCOUNT_KIND, f"{namespace}/{account}")
    if inputs["kind"] == "TargetGroupBinding":
        _need(call, SERVICE, f"{namespace}/{spec['serviceRef']['name']}")
        if not call.cloud.has_arn(spec["targetGroupARN"]):
            raise RefusedError(f"TargetGroupNotFound: {spec['targetGroupARN']}")
        if own is not None and own.inputs["spec"]["targetGroupARN"] != spec["targetGroupARN"]:
            raise RefusedError(
                "admission webhook denied the request: TargetGroupBinding update may not change "
                "these immutable fields: spec.targetGroupARN"
            )
    if inputs["kind"] == "HorizontalPodAutoscaler":
        target = spec["scaleTargetRef"]
        if target["kind"] == "Deployment":
            _need(call, DEPLOYMENT, f"{namespace}/{target['name']}")


def _need(call: Call, token: str, identity: str) -> None:
    if not call.cloud.find(token, call.region, id=identity):
        raise RefusedError(f"{token.rpartition(':')[2]} {identity!r} not found")


def _release(record: Record, call: Call) -> None:
    """A namespace takes its objects with it: what is still there would be lost silently."""
    for other in list(call.cloud.records.values()):
        inside = (other.inputs.get("metadata") or {}).get("namespace") == record.id
        if other.region == call.region and inside:
            raise RefusedError(f"namespace {record.id} still holds {other.token} {other.id}")


_FIXED = frozenset({"metadata.name", "metadata.namespace", "kind"})


def _replaces(token: str) -> frozenset[str]:
    return _FIXED | ({"spec.selector"} if token == DEPLOYMENT else frozenset())


def _property_problems(_token: str, inputs: Mapping[str, Any]) -> Iterator[Problem]:
    for path, value in leaves(inputs):
        if path.endswith("name") and path.startswith("metadata") and len(str(value)) > 253:
            yield Problem(path, "longer than 253 characters")


def _common_outputs(record: Record, call: Call) -> dict[str, Any]:
    about = {**record.inputs.get("metadata", {}), "uid": call.cloud.next_hex(16)}
    return {"metadata": about}


PACKAGE = Package(
    name="kubernetes",
    kinds=_Kinds(),
    shape=_shape,
    property_problems=_property_problems,
    replaces=_replaces,
    common_outputs=_common_outputs,
)
