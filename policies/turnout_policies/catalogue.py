"""The catalogue of rules, written from the rules and their examples.

`python -m turnout_policies.catalogue > docs/policies.md` writes it anew.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from turnout_policies.examples import Example, changed, examples
from turnout_policies.packs import PACKS, Pack
from turnout_policies.rule import Level, Rule

_INTRODUCTION = """\
# Policies

Two packs read the resources of a stack from outside, as an auditor would: `security` (who can
reach what, and who may do what) and `reliability` (the service stays up, and someone is told when
it does not). They work on every `pulumi-aws` and `pulumi-kubernetes` program, not only on ours.

| where | how |
|---|---|
| a stack file, without an account | `turnout check --stack <stack>` |
| a plan | `turnout plan --stack <stack> --json \\| turnout check --plan -` |
| a stack that exists | `pulumi stack export \\| turnout check --state -` |
| the engine | `pulumi up --policy-pack policies/packs/security --policy-pack policies/packs/reliability` |
| the engine, over a stack that exists | `pulumi policy analyze --policy-pack policies/packs/security` |

`turnout check` prints text, `--format json`, `sarif` (GitHub code scanning) or `github` (workflow
commands), and exits with 0 when no mandatory rule is broken, 1 when one is, 2 when it could not
run. `--pack` takes one of the packs only.

## Unknown values
At preview many values are not known: ids, ARNs, every text that is made from them. A rule that
needs such a value says so, and neither passes nor fails. References between resources are
followed all the same, through the dependencies that Pulumi records. `pulumi up` decides: a rule of
scope *resource* before its resource exists, a rule of scope *stack* at the end of the update.

## What is not read
The packs read resources of `pulumi-aws` and `pulumi-kubernetes`, those inside components too
(`awsx`, `eks`, `helm.v4.Chart`). They say nothing of a service that no rule below names (a
database, a file system), of `aws-native` and other clouds, of a Helm `Release`, whose objects
Pulumi never sees, and of `...List` and `...Patch` objects. Silence about these is no verdict.

## Settings
`--policy-config` (`--policy-pack-config` of `pulumi`) takes a JSON file: a level for each rule or
for `all` of them, the rule's own settings, and exemptions, each with a reason and a last day.

```json
{
  "all": "mandatory",
  "alb-deletion-protection": "disabled",
  "security-group-admin-port-from-admin-ranges": {"adminCidrs": ["203.0.113.0/24"]},
  "log-group-retention": {
    "enforcementLevel": "remediate",
    "exemptions": [
      {"resource": "audit-*", "reason": "kept by law for ten years", "expires": "2027-12-31"}
    ]
  }
}
```

Levels: `disabled`, `advisory`, `remediate` (mend it where the rule can, else as mandatory),
`mandatory`. A finding whose exemption has ended is a finding again, and says so. Under the engine
each pack takes a file of its own; `turnout check` takes one for both.

The *ids elsewhere* name the same check in AWS Security Hub (FSBP), cdk-nag, Pulumi's
compliance-policies and Control Tower (CT); where they differ in detail, the example says what
holds here. An example shows what is wrong (-) and what is right (+) in Pulumi YAML; all of them,
whole, are in [policies/turnout_policies/examples](../policies/turnout_policies/examples), and run
as tests.
"""  # noqa: E501 - a table's row is one line


def render() -> str:
    """The whole catalogue as Markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    shown = {example.rule: example for example in examples()}
    yield _INTRODUCTION
    for pack in PACKS:
        yield from _table(pack)
    for pack in PACKS:
        yield f"# Pack {pack.name}"
        yield ""
        for rule in pack.rules:
            yield from _entry(rule, shown[rule.id])


def _table(pack: Pack) -> Iterator[str]:
    yield f"## Rules of {pack.name} ({len(pack.rules)})"
    yield ""
    yield "| rule | what holds | level | severity | ids elsewhere |"
    yield "|---|---|---|---|---|"
    for rule in pack.rules:
        ids = ", ".join(rule.elsewhere)
        yield f"| [{rule.id}](#{rule.id}) | {rule.title} | {rule.level} | {rule.severity} | {ids} |"
    yield ""


def _entry(rule: Rule, example: Example) -> Iterator[str]:
    yield f"## {rule.id}"
    yield ""
    yield f"**{rule.title}.** {rule.why}"
    yield ""
    yield f"Level {rule.level}, severity {rule.severity}, scope {rule.scope}{_remedied(rule)}."
    if rule.elsewhere:
        yield f"Elsewhere: {', '.join(rule.elsewhere)}."
    if rule.settings:
        yield ""
        yield "| setting | schema | default |"
        yield "|---|---|---|"
        for name, setting in rule.settings.items():
            yield f"| `{name}` | `{_flow(_plain(setting.schema))}` | `{_flow(setting.default)}` |"
    yield ""
    words, change = next(iter(example.fails.items()))
    yield f"Fails: {words}."
    yield ""
    yield "```diff"
    yield from _difference(example.program, change)
    yield "```"
    yield f"Fix: `{rule.remediation}`"
    yield ""


def _remedied(rule: Rule) -> str:
    off = "; off unless it is asked for" if rule.level is Level.DISABLED else ""
    return f"{off}; can remediate" if rule.remedy else off


def _difference(program: Mapping[str, Any], change: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong, and what stands there when it is right, under the resource that has it."""
    wrong = changed(program, change)
    shown = ""
    for place in change:
        name, *steps = place.split(".")
        resource = program.get(name) or wrong[name]
        if name != shown:
            shown = name
            yield f" {name}: {resource['type']}" if steps else f" # {name}"
        before, after = _at(wrong, name, steps), _at(program, name, steps)
        key = ".".join(steps) or name
        yield f"-  {key}: {_flow(before)}" if before is not None else f"-  # no {key}"
        yield f"+  {key}: {_flow(after)}" if after is not None else f"+  # no {key}"


def _at(program: Mapping[str, Any], name: str, steps: list[str]) -> Any:
    resource = program.get(name)
    if resource is None or not steps:
        return _plain(resource)
    if steps == ["type"]:
        return resource["type"]
    value: Any = resource.get("properties") or {}
    for step in steps:
        if isinstance(value, Mapping) and "fn::toJSON" in value:
            value = value["fn::toJSON"]
        if isinstance(value, list):
            value = value[int(step)] if int(step) < len(value) else None
        else:
            value = value.get(step) if isinstance(value, Mapping) else None
    return _plain(value)


def _plain(value: Any) -> Any:
    """A copy without shared parts, which YAML would write as anchors."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _flow(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000)
    return text.removesuffix("...\n").strip()


if __name__ == "__main__":
    sys.stdout.write(render())
