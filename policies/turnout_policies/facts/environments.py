"""Which resources are there to be thrown away, as their tags say."""

from __future__ import annotations

from turnout_policies.properties import Properties

_KEYS = ("environment", "env", "stage")
_THROWAWAY = ("dev", "development", "test", "sandbox")


def is_throwaway(resource: Properties) -> bool:
    """Whether a tag such as `environment: dev` says that losing the resource does no harm."""
    return any(
        key.lower().rsplit(":", 1)[-1] in _KEYS and value.text().lower() in _THROWAWAY
        for key, value in resource.at("tags").entries()
    )
