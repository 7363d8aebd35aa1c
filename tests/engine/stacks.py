"""Stack files to deploy: one valid service a tier, in words that people write."""

from __future__ import annotations

from typing import Any

REGION = "ap-northeast-2"
IMAGE = f"123456789012.dkr.ecr.{REGION}.amazonaws.com/hate-speech-api@sha256:{'ab' * 32}"
MODEL = {"uri": f"s3://models-123456789012/hate-speech/{'cd' * 32}", "sha256": "cd" * 32}
TIERS: dict[str, dict[str, Any]] = {
    "lambda": {"kind": "lambda"},
    "ec2": {"kind": "ec2", "ami": "ami-0123456789abcdef0"},
    "ecs": {"kind": "ecs"},
    "eks": {"kind": "eks"},
}


def stack(*tiers: dict[str, Any], **service: Any) -> dict[str, Any]:
    """The config of a stack file: one tier, or several with weights."""
    placed = {"target": tiers[0]} if len(tiers) == 1 else {"targets": list(tiers)}
    return {
        "aws:region": REGION,
        "turnout:service": {
            "name": "hate-speech-api",
            "environment": "dev",
            "image": IMAGE,
            "model": MODEL,
            "network": {"create": {"zones": 2, "nat": "single"}},
            "access": "internal",
            "plain_http": True,
            "firewall": {},
            "alarms": {"notify": ["ops@example.com"]},
            **placed,
            **service,
        },
    }
