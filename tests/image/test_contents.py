"""What is in the image, and what is not."""

from __future__ import annotations

import importlib.metadata
import os
import re
import stat
import subprocess
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from tests.image.container import Image
from tests.image.models import site_packages

LOCK = Path(__file__).parents[2] / "requirements/server.txt"
MEBIBYTE = 1 << 20
LARGEST = 250 * MEBIBYTE
"""Bytes of what the image adds to its base."""


def added(image: Image) -> list[Path]:
    """Every file that the Dockerfile put there: all of /opt, and the compiled standard library."""
    library = (image.rootfs / "usr/local/lib").rglob("*.pyc")
    return [path for path in (image.rootfs / "opt").rglob("*") if not path.is_dir()] + [*library]


def test_what_is_ours_is_smaller_than_250_mebibytes(image: Image) -> None:
    size = sum(path.lstat().st_size for path in added(image))
    print(f"ours: {size / MEBIBYTE:.0f} MiB in {len(added(image))} files")
    assert size < LARGEST


@pytest.mark.parametrize("program", ["pip", "pip3", "uv", "gcc", "cc", "ld", "strip", "make"])
def test_nothing_can_be_installed_or_compiled_at_run_time(image: Image, program: str) -> None:
    folders = [image.rootfs / folder.lstrip("/") for folder in image.environment["PATH"].split(":")]
    assert not [folder for folder in folders if os.path.lexists(folder / program)]


@pytest.mark.parametrize("module", ["pip", "ensurepip"])
def test_python_has_no_installer_either(image: Image, module: str) -> None:
    assert not list((image.rootfs / "usr/local/lib").glob(f"python3.*/**/{module}"))
    assert not list((image.rootfs / "opt").glob(f"**/site-packages/{module}"))


def test_exactly_what_the_lock_names_is_installed(image: Image) -> None:
    """And each brings its metadata, which is what scanners make the bill of materials from."""
    python = site_packages(image).parent.name.removeprefix("python")
    target = {"python_version": python, "python_full_version": f"{python}.0"}
    lines = re.findall(r"^([\w.-]+==[^\\\n]+)", LOCK.read_text(), re.MULTILINE)
    locked = {
        canonicalize_name(wanted.name): str(wanted.specifier).removeprefix("==")
        for wanted in map(Requirement, lines)
        if wanted.marker is None or wanted.marker.evaluate(target)
    }
    found = importlib.metadata.distributions(path=[str(site_packages(image))])
    installed = {canonicalize_name(one.metadata["Name"]): one.version for one in found}
    assert installed.pop(canonicalize_name("turnout-inference"))
    assert installed == locked


def test_every_module_has_bytecode_that_is_never_checked_against_the_clock(image: Image) -> None:
    sources = list(site_packages(image).rglob("*.py"))
    tag = f"cpython-{site_packages(image).parent.name.removeprefix('python').replace('.', '')}"
    compiled = [path.parent / "__pycache__" / f"{path.stem}.{tag}.pyc" for path in sources]
    assert sources
    assert not [path for path in compiled if not path.exists()]
    hash_based, checked = 0b01, 0b10
    for path in compiled:
        flags = int.from_bytes(path.read_bytes()[4:8], "little")
        assert flags & hash_based, path
        assert not flags & checked, path


def test_the_standard_library_is_compiled_too(image: Image) -> None:
    (library,) = (image.rootfs / "usr/local/lib").glob("python3.*/__pycache__")
    assert list(library.glob("argparse.*.pyc"))


def test_the_lambda_adapter_is_where_lambda_looks_for_extensions(image: Image) -> None:
    adapter = image.rootfs / "opt/extensions/lambda-adapter"
    assert adapter.read_bytes()[:4] == b"\x7fELF"
    assert adapter.stat().st_mode & 0o555 == 0o555


def test_only_root_may_change_it_and_anybody_may_run_it(image: Image) -> None:
    for path in added(image):
        status = path.lstat()
        assert status.st_uid == status.st_gid == 0, path
        if not stat.S_ISLNK(status.st_mode):
            assert not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH), path
            assert not status.st_mode & (stat.S_ISUID | stat.S_ISGID), path
            assert status.st_mode & stat.S_IROTH, path


def test_the_image_says_how_it_is_run(image: Image) -> None:
    assert image.user == (10001, 10001)
    assert image.config["Cmd"] == ["turnout-server"]
    assert image.config["Healthcheck"]["Test"] == ["CMD", "turnout-healthcheck"]
    assert image.config["ExposedPorts"] == {"8000/tcp": {}}
    assert image.environment["AWS_LWA_PORT"] == image.environment["TURNOUT_PORT"] == "8000"


def test_the_same_input_gives_the_same_layers(image: Image, tmp_path: Path) -> None:
    """Built from nothing once more, its base included."""
    if "TURNOUT_REBUILD_IMAGE" not in os.environ:
        pytest.skip("takes minutes; set TURNOUT_REBUILD_IMAGE to build a second time")
    again = subprocess.run(
        [LOCK.parents[1] / "tools/image/build"],
        env={**os.environ, "TURNOUT_IMAGE_CACHE": str(tmp_path)},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    first = image.rootfs.with_name("layers").read_text()
    assert (Path(again.stdout.strip()) / "layers").read_text() == first
