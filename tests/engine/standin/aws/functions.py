"""Lambda: functions, aliases, permissions, URLs, provisioned concurrency."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tests.engine.standin.aws.identity import need_trust
from tests.engine.standin.aws.support import by, known, refuse
from tests.engine.standin.cloud import Record
from tests.engine.standin.kinds import Autoname, Call, Inputs, Kind
from tests.engine.standin.shapes import Problem

FUNCTION = "aws:lambda/function:Function"
ALIAS = "aws:lambda/alias:Alias"
PERMISSION = "aws:lambda/permission:Permission"
URL = "aws:lambda/functionUrl:FunctionUrl"
PROVISIONED = "aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig"
UNRESERVED_MINIMUM = 100
ACCOUNT_CONCURRENCY = 1000
_IMAGE = re.compile(
    r"\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com/[a-z0-9._/-]+(:[\w.-]+|@sha256:[0-9a-f]{64})"
)
_RESERVED_SETTINGS = re.compile(r"AWS_REGION|AWS_LAMBDA_FUNCTION_\w+|_HANDLER|LAMBDA_TASK_ROOT")


def _check_function(inputs: Inputs) -> Iterator[Problem]:
    image = inputs.get("imageUri")
    if inputs.get("packageType") == "Image":
        if image is None:
            yield Problem("imageUri", "packageType Image needs an imageUri")
        for name in ("handler", "runtime", "layers", "code"):
            if inputs.get(name) is not None:
                yield Problem(name, f"packageType Image takes no {name}")
    elif inputs.get("handler") is None or inputs.get("runtime") is None:
        yield Problem("handler", "handler and runtime must be set when packageType is Zip")
    if known(image) and not _IMAGE.fullmatch(image):
        yield Problem("imageUri", f"{image!r} is no image of a private ECR repository")
    variables = (inputs.get("environment") or {}).get("variables") or {}
    for name in variables if isinstance(variables, dict) else ():
        if _RESERVED_SETTINGS.fullmatch(name):
            yield Problem(f"environment.variables.{name}", "Lambda reserves this name")


def _admit_function(inputs: Inputs, call: Call, own: Record | None) -> None:
    need_trust(inputs, "role", "lambda.amazonaws.com", call)
    image = inputs.get("imageUri", "")
    if image and f".ecr.{call.region}." not in image:
        refuse(f"InvalidParameterValueException: the image {image} must be in {call.region}")
    reserved = sum(
        max(record.inputs.get("reservedConcurrentExecutions", 0), 0)
        for record in call.cloud.of(FUNCTION, call.region)
        if record is not own
    ) + max(inputs.get("reservedConcurrentExecutions", 0), 0)
    if reserved > ACCOUNT_CONCURRENCY - UNRESERVED_MINIMUM:
        refuse(f"InvalidParameterValueException: {reserved} reserved leaves less than "
               f"{UNRESERVED_MINIMUM} of the account's {ACCOUNT_CONCURRENCY}")  # fmt: skip


def _function_outputs(inputs: Inputs, call: Call, name: str) -> dict[str, Any]:
    arn = call.arn("lambda", f"function:{name}")
    record = call.cloud.find(FUNCTION, call.region, id=name)
    before = record.outputs.get("version", "$LATEST") if record else "$LATEST"
    version = "$LATEST"
    if inputs.get("publish"):
        version = str(int(before) + 1) if before.isdigit() else "1"
    return {
        "arn": arn,
        "invokeArn": f"arn:aws:apigateway:{call.region}:lambda:path/2015-03-31/functions/{arn}",
        "version": version,
        "qualifiedArn": f"{arn}:{version}",
        "lastModified": "2026-01-01T00:00:00.000+0000",
    }


def _function(value: str, call: Call) -> Record:
    name = value.rpartition(":function:")[2].partition(":")[0] or value
    found = call.cloud.find(FUNCTION, call.region, name=name)
    if found is None:
        refuse(f"ResourceNotFoundException: no function {value!r} in {call.region}")
        raise AssertionError
    return found


def _admit_alias(inputs: Inputs, call: Call, _own: Record | None) -> None:
    latest = _function(inputs["functionName"], call).outputs["version"]
    wanted = inputs["functionVersion"]
    published = range(1, int(latest) + 1) if latest.isdigit() else ()
    if wanted != "$LATEST" and wanted not in map(str, published):
        refuse(f"ResourceNotFoundException: the function has no version {wanted}")


def _alias_outputs(inputs: Inputs, call: Call, _identity: str) -> dict[str, Any]:
    arn = f"{_function(inputs['functionName'], call).outputs['arn']}:{inputs['name']}"
    return {
        "arn": arn,
        "invokeArn": f"arn:aws:apigateway:{call.region}:lambda:path/2015-03-31/functions/{arn}",
    }


def _need_qualifier(inputs: Inputs, call: Call) -> None:
    function = _function(inputs.get("function") or inputs["functionName"], call)
    qualifier = inputs.get("qualifier")
    names = {r.inputs["name"] for r in call.cloud.of(ALIAS, call.region)
             if function.id in str(r.inputs["functionName"])}  # fmt: skip
    if qualifier and qualifier not in names | {function.outputs["version"], "$LATEST"}:
        refuse(f"ResourceNotFoundException: {function.id} has no alias {qualifier!r}")


def _admit_qualified(inputs: Inputs, call: Call, _own: Record | None) -> None:
    _need_qualifier(inputs, call)


def _check_permission(inputs: Inputs) -> Iterator[Problem]:
    principal = inputs.get("principal")
    if known(principal) and not re.fullmatch(
        r"\*|\d{12}|arn:.+|[a-z0-9.-]+\.amazonaws\.com", principal
    ):
        yield Problem("principal", f"{principal!r} is neither a service nor an account")


def _check_provisioned(inputs: Inputs) -> Iterator[Problem]:
    if inputs.get("qualifier") == "$LATEST":
        yield Problem("qualifier", "provisioned concurrency needs a version or an alias")


def _url_outputs(inputs: Inputs, call: Call, _identity: str) -> dict[str, Any]:
    host = f"{call.cloud.next_hex(16)}{call.cloud.next_hex(16)}"
    return {
        "functionArn": _function(inputs["functionName"], call).outputs["arn"],
        "functionUrl": f"https://{host}.lambda-url.{call.region}.on.aws/",
        "urlId": host,
    }


def _admit_provisioned(inputs: Inputs, call: Call, _own: Record | None) -> None:
    _need_qualifier(inputs, call)
    reserved = _function(inputs["functionName"], call).inputs.get(
        "reservedConcurrentExecutions", -1
    )
    if 0 <= reserved < inputs["provisionedConcurrentExecutions"]:
        refuse(f"InvalidParameterValueException: more than the function's reserved {reserved}")


KINDS = (
    Kind(FUNCTION, by("name"), _function_outputs, _check_function, _admit_function,
         autoname=Autoname(longest=64), unique=("name",)),
    Kind(ALIAS, lambda inputs, call: call.arn("lambda", f"function:"
         f"{_function(inputs['functionName'], call).id}:{inputs['name']}"), _alias_outputs,
         admit=_admit_alias, autoname=Autoname()),
    Kind(PERMISSION, by("statementId"), check=_check_permission, admit=_admit_qualified,
         autoname=Autoname("statementId", longest=100)),
    Kind(URL, lambda inputs, _call: "/".join(filter(None, (inputs["functionName"],
         inputs.get("qualifier")))), _url_outputs, admit=_admit_qualified),
    Kind(PROVISIONED, by("functionName", "qualifier", separator=","), check=_check_provisioned,
         admit=_admit_provisioned),
    Kind("aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig", by("functionName")),
)  # fmt: skip
