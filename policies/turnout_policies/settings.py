"""What a user may set: a level for each rule, the rule's own settings, exemptions.

The form is that of `pulumi preview --policy-pack-config`, so one file
serves the engine and `turnout check`:

    {"all": "advisory",
     "alarm-threshold-in-bounds": {"enforcementLevel": "mandatory", "cpu": {"max": 90}}}
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import Any

import jsonschema

from turnout_policies.resources import Resource
from turnout_policies.rule import Level, Rule, setting_defaults

_EVERY_RULE = "all"
_LEVEL = "enforcementLevel"
EXEMPTIONS = "exemptions"

EXEMPTIONS_SCHEMA: Mapping[str, Any] = {
    "type": "array",
    "description": "Resources that this rule leaves alone until a date, each with its reason.",
    "items": {
        "type": "object",
        "additionalProperties": False,
        "required": ["resource", "reason", "expires"],
        "properties": {
            "resource": {
                "type": "string",
                "minLength": 1,
                "description": "A resource's name or URN; * and ? match as in a shell.",
            },
            "reason": {"type": "string", "minLength": 10},
            "expires": {
                "type": "string",
                "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
                "description": "The last day (UTC) on which the exemption holds.",
            },
        },
    },
}


class SettingsError(ValueError):
    """The policy settings cannot be used; the message names the place and what is allowed."""


@dataclass(frozen=True, slots=True)
class Exemption:
    """One resource that a rule leaves alone until a date, and why."""

    resource: str
    reason: str
    expires: date

    def covers(self, resource: Resource) -> bool:
        return any(
            fnmatch.fnmatchcase(identity, self.resource)
            for identity in (resource.name, resource.urn)
        )


@dataclass(frozen=True, slots=True)
class RuleSettings:
    """A rule's level, its settings with defaults filled in, and its exemptions."""

    level: Level
    values: Mapping[str, Any]
    exemptions: tuple[Exemption, ...] = ()

    def exemption_of(self, resource: Resource) -> Exemption | None:
        """The exemption that names a resource; of several, the one that holds longest."""
        found = [exemption for exemption in self.exemptions if exemption.covers(resource)]
        return max(found, key=lambda exemption: exemption.expires, default=None)


def schema_of(rule: Rule) -> dict[str, Mapping[str, Any]]:
    """The JSON schemas of the properties that a rule's settings may have."""
    own = {name: setting.schema for name, setting in rule.settings.items()}
    return {**own, EXEMPTIONS: EXEMPTIONS_SCHEMA}


def read_settings(
    rules: Iterable[Rule], config: Mapping[str, Any], others: Iterable[str] = ()
) -> dict[str, RuleSettings]:
    """The settings of each rule by id. `others` are ids that are known but not run here."""
    rules = tuple(rules)
    known = {rule.id for rule in rules}
    allowed = sorted({*known, *others, _EVERY_RULE})
    for name in config:
        if name not in allowed:
            close = get_close_matches(name, allowed, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise SettingsError(f"{name}: there is no such rule{hint}")
    everywhere = config.get(_EVERY_RULE)
    if everywhere is not None:
        _level(_EVERY_RULE, everywhere)
    return {rule.id: settings_of(rule, config.get(rule.id), everywhere) for rule in rules}


def settings_of(rule: Rule, entry: Any, everywhere: Any = None) -> RuleSettings:
    """One rule's settings, from its entry in the configuration file."""
    level = rule.level if everywhere is None else _level(_EVERY_RULE, everywhere)
    if entry is None:
        return RuleSettings(level, setting_defaults(rule))
    if isinstance(entry, str):
        return RuleSettings(_level(rule.id, entry), setting_defaults(rule))
    if not isinstance(entry, Mapping):
        raise SettingsError(f"{rule.id}: {entry!r} is neither a level nor an object")
    if _LEVEL in entry:
        level = _level(f"{rule.id}.{_LEVEL}", entry[_LEVEL])
    own = {name: value for name, value in entry.items() if name != _LEVEL}
    _validate(rule, own)
    values = {name: _merged(setting.default, own.get(name)) for name, setting in _own(rule)}
    return RuleSettings(level, values, exemptions_in(rule.id, own))


def _own(rule: Rule) -> Iterable[tuple[str, Any]]:
    return rule.settings.items()


def _merged(default: Any, given: Any) -> Any:
    if given is None:
        return default
    if isinstance(default, Mapping) and isinstance(given, Mapping):
        names = (*default, *(name for name in given if name not in default))
        return {name: _merged(default.get(name), given.get(name)) for name in names}
    return given


def _validate(rule: Rule, own: Mapping[str, Any]) -> None:
    schema = {"type": "object", "additionalProperties": False, "properties": schema_of(rule)}
    for error in jsonschema.Draft202012Validator(schema).iter_errors(own):
        place = ".".join([rule.id, *(str(step) for step in error.absolute_path)])
        raise SettingsError(f"{place}: {error.message}")


def _level(place: str, value: Any) -> Level:
    if isinstance(value, Mapping) and _LEVEL in value:
        value = value[_LEVEL]
    try:
        return Level(value)
    except ValueError:
        allowed = ", ".join(Level)
        raise SettingsError(f"{place}: {value!r} is not a level; use one of {allowed}") from None


def exemptions_in(place: str, values: Mapping[str, Any]) -> tuple[Exemption, ...]:
    """The exemptions among a rule's settings."""
    return tuple(_exemption(place, item) for item in values.get(EXEMPTIONS) or ())


def _exemption(place: str, item: Mapping[str, Any]) -> Exemption:
    try:
        expires = date.fromisoformat(item["expires"])
    except ValueError:
        raise SettingsError(f"{place}: {item['expires']!r} is not a day of the calendar") from None
    return Exemption(item["resource"], item["reason"], expires)
