import os
from pathlib import Path

import pytest

from turnout.engine import EngineError, Wanted, find, wanted
from turnout.engine.find import cache_folder, rejected


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with nothing in it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}/bin{os.pathsep}/usr/bin")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("PULUMI_HOME", raising=False)
    return tmp_path


def pulumi(path: Path, version: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {version}\n")
    path.chmod(0o755)
    return path


@pytest.mark.usefixtures("machine")
def test_where_there_is_none_none_is_found() -> None:
    assert find() is None


def test_the_one_on_path_comes_first_then_the_installed_then_the_built(machine: Path) -> None:
    on_path = pulumi(machine / "bin/pulumi", "v3.220.0")
    installed = pulumi(machine / ".pulumi/bin/pulumi", "v3.221.0")
    version = pulumi(machine / ".pulumi/versions/3.222.0/bin/pulumi", "v3.222.0")
    built = pulumi(machine / ".cache/turnout/engine/3.223.0/bin/pulumi", "v3.223.0")
    for path in (on_path, installed, version, built):
        engine = find()
        assert engine is not None
        assert engine.path == path
        path.unlink()


def test_the_newest_of_the_built_ones_is_taken(machine: Path) -> None:
    for version in ("3.9.0", "3.256.0", "3.30.0"):
        pulumi(
            machine / f".cache/turnout/engine/{version}/bin/pulumi",
            f"v{version.replace('3.9', '3.190')}",
        )
    engine = find()
    assert engine is not None
    assert engine.version == "3.256.0"


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        ("v3.209.9", "is version v3.209.9; 3.210.0 or newer is needed"),
        ("hello", "`pulumi version` says 'hello'"),
    ],
)
def test_one_that_cannot_be_used_is_passed_over_with_its_reason(
    machine: Path, says: str, reason: str
) -> None:
    bad = pulumi(machine / "bin/pulumi", says)
    good = pulumi(machine / ".pulumi/bin/pulumi", "v3.256.0")
    engine = find()
    assert engine is not None
    assert engine.path == good
    assert [(engine.path, engine.reason) for engine in rejected()] == [(bad, reason)]


def test_a_broken_one_is_passed_over(machine: Path) -> None:
    pulumi(machine / "bin/pulumi", "v3.256.0").write_text("#!/bin/sh\nexit 1\n")
    assert find() is None


def test_engine_none_finds_none_on_purpose(machine: Path) -> None:
    pulumi(machine / "bin/pulumi", "v3.256.0")
    assert find(Wanted.NONE) is None


def test_engine_built_takes_only_a_built_one(machine: Path) -> None:
    pulumi(machine / "bin/pulumi", "v3.256.0")
    assert find(Wanted.BUILT) is None
    built = pulumi(machine / ".cache/turnout/engine/3.256.0/bin/pulumi", "v3.256.0")
    engine = find(Wanted.BUILT)
    assert engine is not None
    assert engine.path == built


def test_engine_says_what_it_takes() -> None:
    assert wanted({}) is Wanted.ANY
    assert wanted({"ENGINE": ""}) is Wanted.ANY
    assert wanted({"ENGINE": "none"}) is Wanted.NONE
    with pytest.raises(EngineError, match="ENGINE=no is not known; use one of any, none, built"):
        wanted({"ENGINE": "no"})


def test_the_cache_is_the_users_not_the_clones() -> None:
    assert cache_folder("1", {"XDG_CACHE_HOME": "/c"}) == Path("/c/turnout/engine/1/bin")


def test_the_language_host_is_what_typing_pulumi_up_needs(machine: Path) -> None:
    pulumi(machine / "bin/pulumi", "v3.256.0")
    engine = find()
    assert engine is not None
    assert not engine.has_language_host
    pulumi(machine / "bin/pulumi-language-python", "")
    assert engine.has_language_host
