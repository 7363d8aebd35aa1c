"""The order of the ways to an engine. The ways themselves are stood in for: Pulumi's installer
needs the network, and a build minutes."""

import io
from pathlib import Path

import pytest

from turnout.engine import Engine, EngineError, Wanted
from turnout.engine.obtain import obtain
from turnout.engine.screen import Screen

INSTALLED = Engine(Path("/i/pulumi"), "3.272.0", "installed by Pulumi's installer")
BUILT = Engine(Path("/b/pulumi"), "3.256.0", "built here")


class Ways:
    """What each way does: give its engine, or fail with a reason."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reachable = True
        self.install_fails = self.build_fails = ""
        self.used: list[str] = []
        self.said = io.StringIO()
        for name in ("is_reachable", "install", "build"):
            monkeypatch.setattr(f"turnout.engine.obtain.{name}", getattr(self, name))

    def is_reachable(self) -> bool:
        return self.reachable

    def install(self) -> Engine:
        self.used.append("install")
        if self.install_fails:
            raise EngineError(self.install_fails)
        return INSTALLED

    def build(self, _report: object) -> Engine:
        self.used.append("build")
        if self.build_fails:
            raise EngineError(self.build_fails)
        return BUILT

    def obtain(self, want: Wanted = Wanted.ANY) -> Engine:
        return obtain(want, Screen("engine", self.said))


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> Ways:
    return Ways(monkeypatch)


def test_pulumis_installer_comes_first(ways: Ways) -> None:
    assert ways.obtain() == INSTALLED
    assert ways.used == ["install"]


def test_where_the_installer_is_out_of_reach_it_is_built_and_says_so(ways: Ways) -> None:
    ways.reachable = False
    assert ways.obtain() == BUILT
    assert ways.used == ["build"]
    assert "get.pulumi.com is out of reach: building pulumi" in ways.said.getvalue()


def test_where_the_installer_fails_it_is_built_and_says_so(ways: Ways) -> None:
    ways.install_fails = "no space left"
    assert ways.obtain() == BUILT
    assert "no space left: building pulumi" in ways.said.getvalue()


def test_a_build_can_be_asked_for(ways: Ways) -> None:
    assert ways.obtain(Wanted.BUILT) == BUILT
    assert ways.used == ["build"]


def test_where_nothing_works_both_reasons_are_said(ways: Ways) -> None:
    ways.reachable = False
    ways.build_fails = "Go is not installed"
    with pytest.raises(EngineError, match=r"out of reach; Go is not installed"):
        ways.obtain()
