import io
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout.engine import EngineError
from turnout.engine.build import MODULES, PACKAGES, SOURCE, build, find_go, pinned_version
from turnout.engine.progress import (
    Progress,
    expected_seconds,
    minutes,
    remaining_seconds,
    time_share,
)
from turnout.engine.screen import Screen

SHARES = st.floats(0, 1)
SECONDS = st.floats(0, 10_000)


@given(SHARES, SHARES)
def test_more_packages_never_mean_less_time_gone(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert 0 <= time_share(low) <= time_share(high) <= 1


@given(SHARES, SECONDS, st.floats(1, 10_000))
def test_what_remains_is_never_negative(share: float, elapsed: float, expected: float) -> None:
    assert remaining_seconds(share, elapsed, expected) >= 0


def test_at_first_the_measured_build_is_expected() -> None:
    assert remaining_seconds(0, 0, expected_seconds(2)) == expected_seconds(2)
    assert expected_seconds(4) == expected_seconds(2) / 2


def test_a_machine_that_is_half_as_fast_is_seen_halfway() -> None:
    expected = expected_seconds(2)
    left = remaining_seconds(0.5, elapsed=expected, expected=expected)
    assert 0.7 * expected < left < 1.2 * expected


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "about 5 s"), (33, "about 35 s"), (61, "about 1 min"), (200, "about 4 min")],
)
def test_a_duration_is_said_as_people_say_it(seconds: float, said: str) -> None:
    assert minutes(seconds) == said


def test_the_version_is_the_one_that_go_mod_pins() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", pinned_version())


def test_outside_a_clone_it_says_where_it_can_be_built(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="inside a clone of the project only"):
        pinned_version(tmp_path)


def test_without_go_it_says_what_would_help(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("turnout.engine.build.GO_FOLDER", str(tmp_path))
    with pytest.raises(EngineError, match=r"Go is not installed; get Go from https://go\.dev/dl"):
        find_go({"PATH": str(tmp_path)})


def fake_go(folder: Path, build_script: str, version: str = "go1.26.0") -> dict[str, str]:
    """An environment whose `go` answers as told."""
    go = folder / "go"
    go.write_text(
        f'#!/bin/sh\n[ "$1" = version ] && {{ echo "go version {version} linux/amd64"; exit; }}\n'
        f"{build_script}\n"
    )
    go.chmod(0o755)
    return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "XDG_CACHE_HOME": str(folder)}


def test_a_go_that_is_too_old_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"too old \(go version go1.20 linux/amd64\); 1.21"):
        find_go(fake_go(tmp_path, "", version="go1.20"))


MAKES_PULUMI = """
while [ "$1" != -o ]; do shift; done
echo "go: downloading example.com/a v1" >&2
for n in 1 2 3; do echo "example.com/p$n" >&2; sleep 0.6; done
printf '#!/bin/sh\\necho v3.256.0\\n' > "$2"; chmod +x "$2"
"""


def test_a_build_ends_with_an_engine_and_its_launchers_and_says_how_far_it_is(
    tmp_path: Path,
) -> None:
    said: list[Progress] = []
    engine = build(said.append, fake_go(tmp_path, MAKES_PULUMI))
    assert engine.version == "3.256.0"
    names = {path.name for path in engine.path.parent.iterdir()}
    assert names == {"pulumi", *(path.name for path in (SOURCE / "launchers").iterdir())}
    assert any(f"of {PACKAGES} packages compiled" in progress.doing for progress in said)


def test_two_builds_at_once_are_one(tmp_path: Path) -> None:
    environment = fake_go(tmp_path, f"echo run >> {tmp_path}/runs\n{MAKES_PULUMI}")
    threads = [threading.Thread(target=build, args=(lambda _: None, environment)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "runs").read_text().split() == ["run"]


def test_a_failed_build_says_what_go_said_and_leaves_no_engine(tmp_path: Path) -> None:
    environment = fake_go(tmp_path, 'echo "no space left on device" >&2; exit 1')
    with pytest.raises(EngineError, match="no space left on device"):
        build(lambda _: None, environment)
    assert not list(tmp_path.glob("turnout/engine/*/bin/pulumi"))


def test_the_counts_are_those_of_go_mod() -> None:
    try:
        go = find_go()
    except EngineError as error:
        pytest.skip(str(error))
    listed = subprocess.run(
        [go, "list", "-deps", "-f", "{{.ImportPath}} {{with .Module}}{{.Path}}{{end}}",
         "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"],
        cwd=SOURCE, capture_output=True, text=True, check=False,
        env={**os.environ, "GOPROXY": "off", "GOFLAGS": "-mod=mod", "CGO_ENABLED": "0"},
    )  # fmt: skip
    if listed.returncode != 0:
        pytest.skip("the engine's modules are not on this machine: it has one that was not built")
    packages, modules = zip(*(line.split(" ") for line in listed.stdout.splitlines()), strict=True)
    # Go's own packages differ a little from one release of Go to the next.
    assert abs(len(packages) - PACKAGES) < 40
    assert abs(len(set(modules)) - MODULES) < 10


def test_in_a_log_progress_comes_now_and_then_and_on_a_terminal_it_is_written_over() -> None:
    log = io.StringIO()
    with Screen("engine", log) as screen:
        for _ in range(5):
            screen.report(Progress(0.5, 60, "7 of 9 packages compiled"))
        screen.say("done")
    assert log.getvalue().splitlines() == [
        "engine:  50%  7 of 9 packages compiled, about 1 min left",
        "engine: done",
    ]

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    with Screen("engine", terminal) as screen:
        screen.report(Progress(0.5, 60, "x"))
        screen.report(Progress(0.6, 60, "y"))
    assert terminal.getvalue().count("\r\033[K") >= 2
    assert "\n" not in terminal.getvalue()


def test_the_preparation_needs_nothing_but_python(tmp_path: Path) -> None:
    """It runs beside the set-up, before the packages are there."""
    done = subprocess.run(
        [sys.executable, "-S", "-m", "turnout.engine"],
        env={"PATH": str(tmp_path), "HOME": str(tmp_path), "ENGINE": "none",
             "PYTHONPATH": str(SOURCE.parents[1] / "platform")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
