"""Prints a plan for people: the tree of components and resources, counts, warnings."""

import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.tree import Tree

from turnout.plan.record import Plan, PlannedResource, Secret, Unknown, Value

# Inputs that say the most of a resource, in this order; those that it does not have are skipped.
_TELLING: Final = (
    "fromPort", "toPort", "ipProtocol", "cidrIpv4", "referencedSecurityGroupId",
    "cidrBlock", "availabilityZone", "internal", "loadBalancerType", "port", "protocol",
    "targetType", "sslPolicy", "instanceType", "cpu", "memory", "memorySize", "timeout",
    "architectures", "desiredCount", "launchType", "minSize", "maxSize", "minCapacity",
    "maxCapacity", "metricName", "comparisonOperator", "threshold", "treatMissingData",
    "retentionInDays", "engineVersion", "version", "rateLimit", "scope", "schedule", "domainName",
    "endpoint", "actions", "principal", "folder", "kind", "replicas",
)  # fmt: skip
_MOST: Final = 4
_LONGEST: Final = 44


def print_plan(plan: Plan, console: Console | None = None) -> None:
    """Prints `plan` on `console`, standard output unless given."""
    if console is None:
        # In a file or a pipe nothing has to be cut or wrapped.
        console = Console(highlight=False, width=None if sys.stdout.isatty() else 400)
    console.print(_tree(plan))
    console.print()
    for line in summary(plan):
        console.print(escape(line))


def summary(plan: Plan) -> Iterator[str]:
    """Counts, outputs and warnings, a line each."""
    made = [resource for resource in plan.resources if resource.custom]
    kinds = Counter(_package(resource.type) for resource in made)
    listed = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    components = len(plan.resources) - len(made)
    yield f"{_count(len(made), 'resource')} ({listed}) in {_count(components, 'component')}"
    for key, value in plan.outputs.items():
        if value in ({}, [], None):
            continue
        yield f"output {key}: {_shown(value)}"
    for warning in plan.warnings:
        yield f"warning: {warning}"
    yield "Offline: no provider has read these inputs; `pulumi preview` asks it."


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _tree(plan: Plan) -> Tree:
    children: defaultdict[str | None, list[PlannedResource]] = defaultdict(list)
    known = {resource.urn for resource in plan.resources}
    for resource in plan.resources:
        children[resource.parent if resource.parent in known else None].append(resource)
    root = Tree(f"[bold]{escape(plan.project)}[/] stack [bold]{escape(plan.stack)}[/]")
    _grow(root, None, children)
    return root


def _grow(
    branch: Tree, urn: str | None, children: Mapping[str | None, Sequence[PlannedResource]]
) -> None:
    for resource in children.get(urn, ()):
        said = "  ".join(f"{key}={value}" for key, value in _key_inputs(resource))
        style = "bold" if not resource.custom else "default"
        label = f"[{style}]{escape(_short(resource.type))}[/] {escape(resource.name)}"
        grown = branch.add(f"{label}  [dim]{escape(said)}[/]" if said else label)
        _grow(grown, resource.urn, children)


def _key_inputs(resource: PlannedResource) -> Iterator[tuple[str, str]]:
    present = [key for key in _TELLING if resource.inputs.get(key) is not None]
    for key in present[:_MOST]:
        yield key, _shown(resource.inputs[key])


def _shown(value: Value) -> str:
    match value:
        case Unknown() | Secret():
            text = str(value)
        case bool():
            text = str(value).lower()
        case list():
            text = ",".join(map(_shown, value))
        case Mapping():
            text = "{…}"
        case _:
            text = str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _short(token: str) -> str:
    """`aws:lb/listener:Listener` as `aws:lb:Listener`."""
    package, _, rest = token.partition(":")
    module, _, kind = rest.partition(":")
    if package == "pulumi-python":
        return kind
    inner = module.partition("/")[0]
    return f"{package}:{kind}" if inner == "index" else f"{package}:{inner}:{kind}"


def _package(token: str) -> str:
    package = token.partition(":")[0]
    return "on this machine" if package == "pulumi-python" else package
