"""What the server reads at start, and the keys that it needs for that, on every tier."""

import json
from typing import Any

import pytest
from tests.turnout.programs import ACCOUNT, EVERYTHING, KINDS, REGION, SECRET, SHA, make

KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd"
OTHER = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/5678abcd"
BUCKET = "arn:aws:s3:::models"


def statements(kind: str, **changes: Any) -> dict[str, dict[str, Any]]:
    found = make(EVERYTHING, target=kind, **changes)
    policies = [r.inputs["policy"] for r in found if r.type == "aws:iam/rolePolicy:RolePolicy"]
    return {
        said["Sid"]: said
        for policy in policies
        for said in json.loads(policy)["Statement"]
        if "Sid" in said
    }


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_key_of_ones_own_nothing_is_decrypted(kind: str) -> None:
    found = statements(kind)
    assert {"ReadModel", "ReadApiKeys"} <= found.keys()
    assert not {"DecryptModel", "DecryptApiKeys"} & found.keys()


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_decrypts_the_models_objects_through_s3_alone(kind: str) -> None:
    model = {"uri": "s3://models/hate-speech/v1", "sha256": SHA, "kms_key": KEY}
    said = statements(kind, model=model)["DecryptModel"]
    assert said["Action"] == ["kms:Decrypt"]
    assert said["Resource"] == [KEY]
    assert said["Condition"] == {
        "StringEquals": {"kms:ViaService": f"s3.{REGION}.amazonaws.com"},
        "StringLike": {
            # The object, or its bucket where that has a bucket key.
            "kms:EncryptionContext:aws:s3:arn": [f"{BUCKET}/hate-speech/v1/*", BUCKET]
        },
    }


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_decrypts_this_secret_through_secrets_manager_alone(kind: str) -> None:
    said = statements(kind, api_keys_kms_key=OTHER)["DecryptApiKeys"]
    assert said["Action"] == ["kms:Decrypt"]
    assert said["Resource"] == [OTHER]
    assert said["Condition"] == {
        "StringEquals": {"kms:ViaService": f"secretsmanager.{REGION}.amazonaws.com"},
        "StringLike": {"kms:EncryptionContext:SecretARN": [SECRET]},
    }
