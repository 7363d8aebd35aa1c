"""API keys from Secrets Manager: read at start, refused by name, never shown."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import boto3
import pytest
from moto import mock_aws

from turnout_inference.key_secret import with_secret_keys
from turnout_inference.settings import SettingsRefused, read_settings

REGION = "ap-northeast-2"
KEYS = ("first-key-of-sixteen", "second-key-of-sixteen")


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An account of its own, in this process, for each test."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    aws = mock_aws()
    # Without a reset: other tests of this process keep a server of moto's.
    aws.start(reset=False)
    yield
    aws.stop()


def secret(text: str) -> str:
    client = boto3.client("secretsmanager", region_name=REGION)
    return str(client.create_secret(Name=f"keys-{uuid4()}", SecretString=text)["ARN"])


def settings(arn: str, **more: str) -> dict[str, str]:
    return {"TURNOUT_API_KEYS_SECRET": arn, **more}


def test_the_keys_of_the_secret_become_the_servers_keys() -> None:
    read = with_secret_keys(read_settings(settings(secret(", ".join(KEYS)))))
    assert tuple(key.get_secret_value() for key in read.api_keys) == KEYS
    assert all(key not in str(read.shown()) + repr(read) for key in KEYS)


def test_without_a_secret_the_settings_stay_as_they_are() -> None:
    plain = read_settings({})
    assert with_secret_keys(plain) is plain


def test_a_secret_that_is_not_there_names_the_setting_and_the_permission() -> None:
    arn = f"arn:aws:secretsmanager:{REGION}:123456789012:secret:missing-AbCdEf"
    with pytest.raises(SettingsRefused, match="GetSecretValue") as refused:
        with_secret_keys(read_settings(settings(arn)))
    assert f"TURNOUT_API_KEYS_SECRET: {arn} cannot be read" in str(refused.value)


@pytest.mark.parametrize("text", ["short", KEYS[0] + ",short", "x" * 600])
def test_unusable_keys_are_refused_without_being_shown(text: str) -> None:
    with pytest.raises(SettingsRefused, match="16 to 512 characters") as refused:
        with_secret_keys(read_settings(settings(secret(text))))
    assert text not in str(refused.value)


def test_a_secret_without_a_key_is_refused_and_not_taken_for_an_open_door() -> None:
    with pytest.raises(SettingsRefused, match="is empty"):
        with_secret_keys(read_settings(settings(secret(" , "))))


def test_keys_come_from_one_place() -> None:
    arn = f"arn:aws:secretsmanager:{REGION}:123456789012:secret:keys-AbCdEf"
    with pytest.raises(SettingsRefused, match="cannot stand beside TURNOUT_API_KEYS; keep one"):
        read_settings(settings(arn, TURNOUT_API_KEYS=KEYS[0]))
