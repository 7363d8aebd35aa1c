"""API keys kept in AWS Secrets Manager: read once at start, never printed."""

from __future__ import annotations

from pydantic import ValidationError

from turnout_inference.settings import Settings, SettingsRefused

CONNECT_SECONDS = 5
READ_SECONDS = 10


def with_secret_keys(settings: Settings) -> Settings:
    """The settings with the keys of `api_keys_secret`, if one is named, as `api_keys`.

    Raises SettingsRefused where the secret cannot be read or holds no usable keys.
    """
    arn = settings.api_keys_secret
    if arn is None:
        return settings
    text = _read(arn)
    try:
        return Settings.model_validate({**dict(settings), "api_keys": text})
    except ValidationError:
        raise _refused(arn, "must hold keys of 16 to 512 characters, separated by commas") from None


def _read(arn: str) -> str:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"total_max_attempts": 3, "mode": "standard"},
    )
    region = arn.split(":")[3]
    try:
        client = boto3.client("secretsmanager", region_name=region, config=config)
        text = client.get_secret_value(SecretId=arn).get("SecretString", "")
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "an unknown error")
        raise _refused(
            arn, f"cannot be read: {code}; the role needs secretsmanager:GetSecretValue on it"
        ) from None
    except BotoCoreError as error:
        raise _refused(arn, f"cannot be read: {type(error).__name__}: {error}") from None
    if not isinstance(text, str) or not text.strip(", \t\n"):
        raise _refused(arn, "is empty; put the keys into it, separated by commas")
    return text


def _refused(arn: str, reason: str) -> SettingsRefused:
    return SettingsRefused([f"TURNOUT_API_KEYS_SECRET: {arn} {reason}"])
