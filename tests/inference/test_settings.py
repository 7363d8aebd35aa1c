"""Settings come from the environment, typed; wrong ones are refused by name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from turnout_inference.settings import Settings, SettingsRefused, read_settings, settings_table

DOCUMENT = Path(__file__).parents[2] / "docs" / "settings.md"


def refused(**environment: str) -> list[str]:
    with pytest.raises(SettingsRefused) as caught:
        read_settings(environment)
    return caught.value.problems


def test_an_empty_environment_gives_the_defaults() -> None:
    settings = read_settings({"PATH": "/bin", "HOME": "/"})
    assert (settings.port, settings.model, settings.workers) == (8000, None, 0)


def test_an_empty_value_is_as_good_as_none() -> None:
    assert read_settings({"TURNOUT_MODEL": "", "TURNOUT_PORT": " "}) == Settings()


@pytest.mark.parametrize(
    ("name", "value", "field", "parsed"),
    [
        ("TURNOUT_PORT", "9000", "port", 9000),
        ("TURNOUT_DRAIN_WAIT", "2.5", "drain_wait", 2.5),
        ("TURNOUT_PAGES", "false", "pages", False),
        ("TURNOUT_LOG_LEVEL", "DEBUG", "log_level", "debug"),
        ("TURNOUT_CORS_ORIGINS", "https://a.example, https://b.example", "cors_origins", 2),
    ],
)
def test_each_kind_of_value_is_read(name: str, value: str, field: str, parsed: object) -> None:
    found = getattr(read_settings({name: value}), field)
    assert (len(found) if isinstance(found, tuple) else found) == parsed


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TURNOUT_PORT", "eighty"),
        ("TURNOUT_PORT", "70000"),
        ("TURNOUT_THREADS", "-1"),
        ("TURNOUT_DRAIN_TIMEOUT", "nan"),
        ("TURNOUT_MODEL_SHA256", "abc"),
        ("TURNOUT_LOG_LEVEL", "loud"),
        ("TURNOUT_PAGES", "perhaps"),
        ("TURNOUT_MAX_TEXTS", "0"),
    ],
)
def test_a_wrong_value_is_refused_with_its_name_and_value(name: str, value: str) -> None:
    (problem,) = refused(**{name: value})
    assert problem.startswith(f"{name}: ")
    assert value.lower() in problem


def test_all_problems_are_told_at_once() -> None:
    problems = refused(TURNOUT_PORT="x", TURNOUT_THREADS="y", TURNOUT_NOPE="z")
    assert len(problems) == 3


def test_an_unknown_name_is_refused_and_the_likely_one_named() -> None:
    (problem,) = refused(TURNOUT_THREDS="2")
    assert problem == "TURNOUT_THREDS: no such setting; did you mean TURNOUT_THREADS?"


def test_a_key_that_is_too_short_is_refused_and_never_shown() -> None:
    (problem,) = refused(TURNOUT_API_KEYS="0123456789abcdef,tiny-secret")
    assert problem.startswith("TURNOUT_API_KEYS number 2: ")
    assert "tiny-secret" not in problem


def test_a_key_that_is_too_short_is_told_how_long_a_key_is() -> None:
    (problem,) = refused(TURNOUT_API_KEYS="tiny-secret")
    assert problem.startswith(
        "TURNOUT_API_KEYS number 1: has 11 characters, a key has 16 to 512; make one with "
    )


@pytest.mark.parametrize("name", ["API_KEYS", "API_KEYS_SECRET", "MODEL_SHA256"])
@pytest.mark.parametrize("value", ["", " ", ",", " , ,"])
def test_a_guard_that_is_there_but_empty_is_refused_not_left_open(name: str, value: str) -> None:
    (problem, *_) = refused(**{f"TURNOUT_{name}": value})
    assert problem.startswith(f"TURNOUT_{name}: is set but empty; ")


def test_keys_are_counted_never_shown() -> None:
    settings = read_settings({"TURNOUT_API_KEYS": "0123456789abcdef,fedcba9876543210"})
    shown = json.dumps(settings.shown())
    assert settings.shown()["api_keys"] == "2 set"
    assert "0123456789abcdef" not in shown + repr(settings) + str(settings)


def test_the_query_of_a_model_uri_is_not_shown() -> None:
    settings = read_settings({"TURNOUT_MODEL": "https://example.com/m?signature=private"})
    assert "private" not in json.dumps(settings.shown())


def test_neither_the_password_nor_the_fragment_of_a_model_uri_is_shown() -> None:
    settings = read_settings({"TURNOUT_MODEL": "https://user:private@example.com/m#private"})
    shown = settings.shown()["model"]
    assert "private" not in json.dumps(settings.shown())
    assert "user" not in shown
    assert shown.startswith("https://example.com/m")


@pytest.mark.parametrize("model", ["models/a", "/models/a", "s3://models/a", "file:///models/a"])
def test_a_model_without_secrets_is_shown_as_it_is(model: str) -> None:
    assert read_settings({"TURNOUT_MODEL": model}).shown()["model"] == model


@pytest.mark.parametrize(
    "origin",
    [
        "https://a.example",
        "http://localhost:3000",
        "http://[::1]:3000",
        "http://a.example:443",
        "capacitor://localhost",
        "*",
    ],
)
def test_an_origin_as_a_browser_sends_it_is_taken(origin: str) -> None:
    assert read_settings({"TURNOUT_CORS_ORIGINS": origin}).cors_origins == (origin,)


@pytest.mark.parametrize(
    "origin",
    [
        "example.com",
        "https://b.example/",
        "https://b.example/page",
        "https://B.example",
        "https://b.example:443",
        "http://b.example:80",
        "https://한국.example",
        "https://*.b.example",
        "null",
    ],
)
def test_an_origin_that_no_browser_would_send_is_refused(origin: str) -> None:
    (problem,) = refused(TURNOUT_CORS_ORIGINS=f"https://a.example,{origin}")
    assert problem.startswith("TURNOUT_CORS_ORIGINS number 2: is not an origin")


def test_one_body_must_fit_into_what_is_held_of_all() -> None:
    assert read_settings({"TURNOUT_MAX_WAITING_BYTES": str(4 << 20)}).max_waiting_bytes == 4 << 20
    (problem,) = refused(TURNOUT_MAX_WAITING_BYTES=str((4 << 20) - 1))
    assert problem.startswith("TURNOUT_MAX_WAITING_BYTES: 4194303 ")
    (problem,) = refused(TURNOUT_MAX_BODY_BYTES=str(65 << 20))
    assert "TURNOUT_MAX_BODY_BYTES" in problem


def test_the_drain_must_leave_time_after_its_wait() -> None:
    wait = {"TURNOUT_DRAIN_WAIT": "10"}
    assert read_settings({**wait, "TURNOUT_DRAIN_TIMEOUT": "10.5"}).drain_wait == 10
    (problem,) = refused(**wait, TURNOUT_DRAIN_TIMEOUT="10")
    assert problem.startswith("TURNOUT_DRAIN_WAIT: 10 s leave nothing of the 10 s")


def test_what_kubernetes_injects_for_a_service_called_turnout_is_ignored() -> None:
    links = {
        "TURNOUT_SERVICE_HOST": "10.0.0.1",
        "TURNOUT_SERVICE_PORT": "8000",
        "TURNOUT_SERVICE_PORT_HTTP": "8000",
        "TURNOUT_PORT_8000_TCP": "tcp://10.0.0.1:8000",
        "TURNOUT_PORT_8000_TCP_ADDR": "10.0.0.1",
    }
    assert read_settings(links) == Settings()


def test_a_service_link_in_place_of_the_port_is_told_what_it_is() -> None:
    (problem,) = refused(TURNOUT_PORT="tcp://10.0.0.1:8000")
    assert "enableServiceLinks" in problem


def test_the_documented_table_is_current() -> None:
    assert DOCUMENT.read_text() == settings_table(), (
        "write it anew: python -m turnout_inference.settings > docs/settings.md"
    )
