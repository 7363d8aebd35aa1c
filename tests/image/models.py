"""The image's default model: where it lies, and what serves it from S3 instead."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tests.image.container import Image
from tests.inference.model.servers import Moto


def site_packages(image: Image) -> Path:
    (found,) = (image.rootfs / "opt/turnout/lib").glob("python3.*/site-packages")
    return found


def default_model(image: Image) -> Path:
    return site_packages(image) / "turnout_inference/default_model"


def remote_model(s3: Moto, image: Image) -> dict[str, str]:
    """Puts the default model into S3; the settings that fetch it from there."""
    folder = default_model(image)
    for path in folder.iterdir():
        s3.client.upload_file(str(path), "models", f"kmhas/{path.name}")
    return {
        "TURNOUT_MODEL": "s3://models/kmhas",
        "TURNOUT_MODEL_SHA256": hashlib.sha256((folder / "turnout.json").read_bytes()).hexdigest(),
        "AWS_ENDPOINT_URL_S3": s3.url,
        "AWS_REGION": "ap-northeast-2",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
    }
