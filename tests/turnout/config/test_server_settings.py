"""What a stack file says under `settings` is checked as the server would, before it starts."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout.config import ConfigError, parse_service
from turnout.config.fields import RESERVED_SETTINGS
from turnout.config.server_settings import FILE, setting_problem
from turnout_inference.settings import SettingsRefused, read_settings, settings_schema

KNOWN = json.loads(FILE.read_text(encoding="utf-8"))
FREE = sorted(KNOWN.keys() - RESERVED_SETTINGS.keys())


def problems(**settings: str) -> list[str]:
    said: dict[str, Any] = {"name": "api", "target": "local", "settings": settings}
    try:
        parse_service(said)
    except ConfigError as error:
        return [str(problem) for problem in error.problems]
    return []


def test_the_platform_knows_the_servers_settings_as_they_are() -> None:
    assert settings_schema() == KNOWN, f"{FILE.name} is old: make schema"


def test_what_the_platform_sets_itself_is_a_setting() -> None:
    assert RESERVED_SETTINGS.keys() <= KNOWN.keys()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("TURNOUT_NOPE", "1", "is no setting of the server; docs/settings.md lists them"),
        ("TURNOUT_MAX_TEXT", "1", "is no setting of the server; did you mean TURNOUT_MAX_TEXTS?"),
        ("TURNOUT_MAX_TEXTS", "abc", "abc is not a whole number; use 1 to 100000"),
        ("TURNOUT_MAX_TEXTS", "1.5", "1.5 is not a whole number; use 1 to 100000"),
        ("TURNOUT_MAX_TEXTS", "", '"" is not a whole number; use 1 to 100000'),
        ("TURNOUT_MAX_TEXTS", "0", "0 is too small; use 1 to 100000"),
        ("TURNOUT_MAX_TEXTS", "100001", "100001 is too large; use 1 to 100000"),
        ("TURNOUT_MAX_CHARACTERS", "0", "0 is too small; use 1 or more"),
        ("TURNOUT_BATCH_WAIT", "1s", "1s is not a number; use 0 to 3600"),
        ("TURNOUT_READ_TIMEOUT", "0", "0 is too small; use more than 0, up to 3600"),
        ("TURNOUT_PAGES", "maybe", "maybe is neither true nor false"),
        ("TURNOUT_LOG_LEVEL", "loud", "loud is not known; use debug, info, warning, error"),
        ("TURNOUT_CORS_ORIGINS", "a\0b", "holds a zero character"),
        (
            "TURNOUT_CORS_ORIGINS",
            "https://a.example.com, example.com",
            "holds example.com, which is no origin as browsers send it; use scheme://host",
        ),
    ],
)
def test_a_setting_that_the_server_refuses_is_refused_with_its_fix(
    name: str, value: str, words: str
) -> None:
    (said,) = problems(**{name: value})
    assert said.startswith(f"turnout:service.settings.{name}: ")
    assert words in said


def test_every_wrong_setting_is_told_at_once() -> None:
    assert len(problems(TURNOUT_NOPE="1", TURNOUT_MAX_TEXTS="abc", TURNOUT_PORT="1")) == 3


@pytest.mark.parametrize("name", FREE)
def test_the_servers_own_default_is_taken(name: str) -> None:
    default = KNOWN[name].get("default", "*")
    assert setting_problem(name, str(default)) is None


VALUES = st.one_of(
    st.integers(-10, 10**16).map(str),
    st.floats(-1, 10_000).map(str),
    st.sampled_from(
        ["true", "No", "t", "debug", "ERROR", "", " 1", "1_000", "+1", "1e3", "١", "1.0"]
    ),
    st.text(max_size=12),
)


@given(st.sampled_from(FREE), VALUES)
def test_the_server_starts_with_whatever_is_taken_here(name: str, value: str) -> None:
    if setting_problem(name, value) is not None:
        return
    try:
        # The platform's own, compared with what all bodies may take by a rule of the stack file.
        read_settings({"TURNOUT_MAX_BODY_BYTES": "1024", name: value})
    except SettingsRefused as refused:
        pytest.fail(f"{name}={value!r} was taken: {refused}")
