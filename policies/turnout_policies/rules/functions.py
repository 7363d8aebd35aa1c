"""Lambda functions."""

from __future__ import annotations

from turnout_policies.facts import containers
from turnout_policies.facts.containers import Variable
from turnout_policies.facts.tokens import FUNCTION, FUNCTION_PERMISSION, FUNCTION_URL
from turnout_policies.properties import Properties
from turnout_policies.rule import Context, Finding, Level, Outcomes, Rule, Severity

# "Lambda runtimes", table of supported runtimes: families with the oldest that is still patched.
_OLDEST = {
    "python": (3, 10),
    "nodejs": (20,),
    "java": (8,),
    "dotnet": (8,),
    "ruby": (3, 3),
}
_GONE = ("go1.x", "provided", "nodejs", "dotnetcore1.0", "java8")
_CONDITIONS = ("sourceArn", "sourceAccount", "principalOrgId")


def _permission_not_public(permission: Properties, _: Context) -> Outcomes:
    if permission.text("principal") != "*":
        return
    if not any(permission.has(key) for key in _CONDITIONS):
        yield Finding("everybody in every account may call it", "principal")


def _permission_names_source(permission: Properties, _: Context) -> Outcomes:
    principal = permission.text("principal")
    if not principal.endswith((".amazonaws.com", ".amazonaws.com.cn")):
        return
    if not any(permission.has(key) for key in _CONDITIONS):
        yield Finding(f"{principal} may call it for any account", "sourceArn")


def _url_authenticated(url: Properties, _: Context) -> Outcomes:
    if url.text("authorizationType") == "NONE":
        yield Finding("everybody who knows the URL may call it", "authorizationType")


def _is_image(function: Properties) -> bool:
    return function.text("packageType") == "Image" or function.has("imageUri")


def _supported_runtime(function: Properties, _: Context) -> Outcomes:
    if _is_image(function):
        return
    runtime = function.text("runtime")
    if runtime and not _is_supported(runtime):
        yield Finding(f"runtime {runtime} gets no more fixes", "runtime")


def _is_supported(runtime: str) -> bool:
    if runtime in _GONE:
        return False
    for family, oldest in _OLDEST.items():
        if runtime.startswith(family):
            version = runtime.removeprefix(family).split(".al")[0].removesuffix(".x")
            parts = tuple(int(part) for part in version.split(".") if part.isdecimal())
            return parts >= oldest
    return True


def _no_secret_variables(function: Properties, _: Context) -> Outcomes:
    for name, value in function.at("environment", "variables").entries():
        if containers.holds_secret(Variable(name, value)):
            yield Finding(f"{name} is in plain text", f"environment.variables.{name}")


def _in_vpc(function: Properties, _: Context) -> Outcomes:
    if not function.has("vpcConfig", "subnetIds"):
        yield Finding("it runs outside of every VPC", "vpcConfig")


def _traced(function: Properties, _: Context) -> Outcomes:
    if function.text("tracingConfig", "mode") != "Active":
        yield Finding("no request is traced", "tracingConfig.mode")


def _concurrency_reserved(function: Properties, _: Context) -> Outcomes:
    reserved = function.number("reservedConcurrentExecutions")
    if reserved is None or reserved < 0:
        yield Finding("it may use up the account's concurrency", "reservedConcurrentExecutions")


def _sized_on_purpose(function: Properties, _: Context) -> Outcomes:
    absent = [key for key in ("memorySize", "timeout") if not function.has(key)]
    if absent:
        defaults = {"memorySize": "128 MB", "timeout": "3 s"}
        names = " and ".join(f"{key} ({defaults[key]})" for key in absent)
        yield Finding(f"it takes Lambda's default {names}", absent[0])


RULES = (
    Rule(
        id="lambda-permission-not-public",
        title="A function cannot be called by everybody",
        why="An open function is free computing for strangers, on your bill.",
        concern="security",
        severity=Severity.CRITICAL,
        types=(FUNCTION_PERMISSION,),
        check=_permission_not_public,
        elsewhere=("FSBP Lambda.1",),
        remediation='principal="elasticloadbalancing.amazonaws.com", source_arn=group.arn',
    ),
    Rule(
        id="lambda-permission-names-source",
        title="A service's right to call a function names the resource that calls",
        why="Without it the service may call on behalf of anybody's account.",
        concern="security",
        severity=Severity.HIGH,
        scope="stack",
        types=(FUNCTION_PERMISSION,),
        check=_permission_names_source,
        elsewhere=("compliance-policies lambda-permission-configure-source-arn",),
        remediation="source_arn=group.arn",
    ),
    Rule(
        id="lambda-url-authenticated",
        title="A function URL asks for IAM authentication",
        why="Without it the URL is the password, and URLs end up in logs.",
        concern="security",
        severity=Severity.HIGH,
        types=(FUNCTION_URL,),
        check=_url_authenticated,
        elsewhere=("cdk-nag LambdaFunctionUrlAuth",),
        remediation='authorization_type="AWS_IAM"',
    ),
    Rule(
        id="lambda-supported-runtime",
        title="A function's runtime is supported",
        why="Unsupported runtimes get no security fixes, and updates to them are blocked one day.",
        concern="security",
        severity=Severity.MEDIUM,
        types=(FUNCTION,),
        check=_supported_runtime,
        elsewhere=("FSBP Lambda.2", "cdk-nag L1"),
        remediation='runtime="python3.13"',
    ),
    Rule(
        id="lambda-no-secrets-in-environment",
        title="A function's environment holds no secrets",
        why="It is readable in the console to everybody who may look at the function.",
        concern="security",
        severity=Severity.HIGH,
        types=(FUNCTION,),
        check=_no_secret_variables,
        remediation='"SECRET_ARN": secret.arn  # and read it at start',
    ),
    Rule(
        id="lambda-in-vpc",
        title="A function runs inside a VPC",
        why="Outside of one no security group and no flow log sees what it connects to.",
        concern="security",
        severity=Severity.LOW,
        level=Level.ADVISORY,
        scope="stack",
        types=(FUNCTION,),
        check=_in_vpc,
        elsewhere=("FSBP Lambda.3", "cdk-nag LambdaInsideVPC"),
        remediation='vpc_config={"subnet_ids": [...], "security_group_ids": [group.id]}',
    ),
    Rule(
        id="lambda-traced",
        title="A function's requests are traced",
        why="A slow request is explained by its trace, or by guessing.",
        concern="reliability",
        severity=Severity.LOW,
        level=Level.ADVISORY,
        types=(FUNCTION,),
        check=_traced,
        elsewhere=("cdk-nag LambdaTracing",),
        remediation='tracing_config={"mode": "Active"}',
    ),
    Rule(
        # Off unless asked for: what is reserved is taken from all others, and a new account
        # has too little to reserve any.
        id="lambda-reserved-concurrency",
        title="A function's concurrency is bounded",
        why="One function without a bound can starve all others of the account.",
        concern="reliability",
        severity=Severity.LOW,
        level=Level.DISABLED,
        types=(FUNCTION,),
        check=_concurrency_reserved,
        elsewhere=("cdk-nag LambdaConcurrency",),
        remediation="reserved_concurrent_executions=20",
    ),
    Rule(
        id="lambda-sized-on-purpose",
        title="A function's memory and timeout are chosen",
        why="The defaults, 128 MB and 3 s, fit a greeting and not a model.",
        concern="reliability",
        severity=Severity.MEDIUM,
        types=(FUNCTION,),
        check=_sized_on_purpose,
        remediation="memory_size=2048, timeout=30",
    ),
)
