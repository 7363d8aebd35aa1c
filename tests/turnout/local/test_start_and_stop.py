import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from turnout import local
from turnout.local.identity import identify

MakeSpec = Callable[..., local.ServerSpec]
Alive = Callable[[int], bool]


def answer(port: int) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", "/health")
    return connection.getresponse().read().decode()


def test_a_started_server_answers_and_is_its_own_process(
    folder: Path, spec: MakeSpec, alive: Alive
) -> None:
    running = local.ensure(folder, spec())
    assert running.started
    assert alive(running.pid)
    assert local.answers(running.port)
    assert running.url == f"http://127.0.0.1:{running.port}"
    assert os.getsid(running.pid) == running.pid
    assert local.state(folder) is local.State.READY


def test_a_server_that_is_as_wanted_is_left_alone(folder: Path, spec: MakeSpec) -> None:
    first = local.ensure(folder, spec())
    second = local.ensure(folder, spec())
    assert second.pid == first.pid
    assert not second.started


def test_the_server_is_told_nothing_of_pulumi_and_no_stray_settings(
    folder: Path, spec: MakeSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "x")
    monkeypatch.setenv("TURNOUT_WORKERS", "9")
    running = local.ensure(folder, spec(TURNOUT_THREADS="1"))
    names = {
        entry.partition(b"=")[0].decode()
        for entry in Path(f"/proc/{running.pid}/environ").read_bytes().split(b"\0")
    }
    assert {name for name in names if name.startswith(("PULUMI_", "TURNOUT_"))} == {
        "TURNOUT_PORT",
        "TURNOUT_THREADS",
    }


def test_stop_ends_the_server_and_frees_the_port(
    folder: Path, spec: MakeSpec, alive: Alive, port: int
) -> None:
    running = local.ensure(folder, spec())
    assert local.stop(folder)
    assert not alive(running.pid)
    assert local.is_free(port)
    assert local.state(folder) is local.State.STOPPED


def test_stop_where_nothing_runs_says_so(folder: Path) -> None:
    assert not local.stop(folder)


def test_a_server_that_ignores_sigterm_is_killed_after_its_time(
    folder: Path, spec: MakeSpec, alive: Alive
) -> None:
    running = local.ensure(folder, spec(BEHAVE="stubborn"))
    began = time.monotonic()
    assert local.stop(folder, timeout=0.5)
    assert time.monotonic() - began < 5
    # The kernel may take a moment over what was killed.
    while alive(running.pid) and time.monotonic() - began < 10:
        time.sleep(0.05)
    assert not alive(running.pid)


def test_a_killed_server_is_seen_and_started_anew(folder: Path, spec: MakeSpec) -> None:
    first = local.ensure(folder, spec())
    os.kill(first.pid, signal.SIGKILL)
    os.waitpid(first.pid, 0)
    assert local.state(folder) is local.State.STOPPED
    second = local.ensure(folder, spec())
    assert second.started
    assert second.pid != first.pid


def test_workers_that_a_killed_server_left_are_ended(
    folder: Path, spec: MakeSpec, alive: Alive
) -> None:
    running = local.ensure(folder, spec(BEHAVE="worker"))
    children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
    (worker,) = map(int, children)
    os.kill(running.pid, signal.SIGKILL)
    os.waitpid(running.pid, 0)
    assert alive(worker)
    assert local.owns(folder, running.port)
    assert local.stop(folder)
    assert not alive(worker)


def test_a_process_that_got_the_same_pid_is_never_touched(
    folder: Path, spec: MakeSpec, alive: Alive
) -> None:
    local.ensure(folder, spec())
    local.stop(folder)
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        identity = identify(bystander.pid)
        assert identity is not None
        record = {
            "process": {"pid": bystander.pid, "started": "1", "boot": identity.boot},
            "port": 1, "digest": "", "mark": "SUPERVISED_BY_TURNOUT=x",
        }  # fmt: skip
        (folder / "server.json").write_text(json.dumps(record))
        assert local.state(folder) is local.State.STOPPED
        assert not local.stop(folder)
        assert alive(bystander.pid)
    finally:
        bystander.kill()
        bystander.wait()


def test_a_process_of_another_boot_is_another_process(folder: Path, spec: MakeSpec) -> None:
    running = local.ensure(folder, spec())
    place = folder / "server.json"
    record = json.loads(place.read_text())
    record["process"]["boot"] = "another"
    place.write_text(json.dumps(record))
    try:
        assert local.state(folder) is local.State.STOPPED
    finally:
        os.kill(running.pid, signal.SIGKILL)
        os.waitpid(running.pid, 0)


def test_a_taken_port_names_who_has_it(folder: Path, spec: MakeSpec) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        with pytest.raises(local.LocalServerError) as caught:
            local.ensure(folder, spec(port=taken))
    assert f"port {taken} of 127.0.0.1 is taken by pid {os.getpid()}" in str(caught.value)
    assert "turnout:service.target.port" in str(caught.value)
    assert local.state(folder) is local.State.STOPPED


def test_a_server_that_dies_at_start_ends_in_its_exit_code_and_last_words(
    folder: Path, spec: MakeSpec, port: int
) -> None:
    with pytest.raises(local.LocalServerError) as caught:
        local.ensure(folder, spec(BEHAVE="die"))
    text = str(caught.value)
    assert "exit code 3: the model was refused" in text
    assert "the model is not a model" in text
    assert str(folder / "server.log") in text
    assert local.is_free(port)


def test_a_server_that_does_not_get_ready_is_ended(folder: Path, spec: MakeSpec, port: int) -> None:
    with pytest.raises(local.LocalServerError, match="did not get ready in 1 s"):
        local.ensure(folder, spec(BEHAVE="sick", ready_timeout=1))
    assert local.is_free(port)
    assert local.state(folder) is local.State.STOPPED


def test_an_executable_that_is_not_there_is_named(folder: Path, port: int) -> None:
    spec = local.ServerSpec(command=("/nowhere/turnout-server",), port=port)
    with pytest.raises(local.LocalServerError, match="/nowhere/turnout-server cannot be run"):
        local.ensure(folder, spec)


def test_a_changed_setting_replaces_the_server(folder: Path, spec: MakeSpec, port: int) -> None:
    first = local.ensure(folder, spec(ANSWER="old"))
    second = local.ensure(folder, spec(ANSWER="new"))
    assert second.pid != first.pid
    assert answer(port) == "new"


def test_the_port_is_without_an_owner_for_less_than_two_seconds(
    folder: Path, spec: MakeSpec, port: int
) -> None:
    local.ensure(folder, spec(ANSWER="old", DRAIN="3"))
    gaps: list[float] = []
    done = threading.Event()

    def watch() -> None:
        lost: float | None = None
        while not done.is_set():
            if local.answers(port, timeout=0.5):
                if lost is not None:
                    gaps.append(time.monotonic() - lost)
                lost = None
            elif lost is None:
                lost = time.monotonic()
            time.sleep(0.02)

    watcher = threading.Thread(target=watch)
    watcher.start()
    local.ensure(folder, spec(ANSWER="new"))
    done.set()
    watcher.join()
    assert answer(port) == "new"
    assert gaps
    assert max(gaps) < 2


def test_a_setting_that_makes_no_server_leaves_the_old_one_running(
    folder: Path, spec: MakeSpec, port: int
) -> None:
    first = local.ensure(folder, spec(ANSWER="old"))
    with pytest.raises(local.LocalServerError, match="exit code 3"):
        local.ensure(folder, spec(BEHAVE="die"))
    assert answer(port) == "old"
    assert local.ensure(folder, spec(ANSWER="old")).pid == first.pid


def test_the_server_can_move_to_another_port(folder: Path, spec: MakeSpec, port: int) -> None:
    local.ensure(folder, spec())
    other = local.free_port()
    local.ensure(folder, spec(port=other))
    assert local.answers(other)
    assert local.is_free(port)


def test_moving_to_a_taken_port_leaves_the_old_server_running(
    folder: Path, spec: MakeSpec, port: int
) -> None:
    local.ensure(folder, spec())
    with (
        socket.create_server(("127.0.0.1", 0)) as other,
        pytest.raises(local.LocalServerError, match="is taken by"),
    ):
        local.ensure(folder, spec(port=other.getsockname()[1]))
    assert local.answers(port)


def test_two_at_once_start_one_server(folder: Path, spec: MakeSpec) -> None:
    found: list[local.Running] = []
    threads = [
        threading.Thread(target=lambda: found.append(local.ensure(folder, spec()))) for _ in "ab"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({running.pid for running in found}) == 1
    assert sorted(running.started for running in found) == [False, True]


def test_an_interrupted_start_leaves_a_server_that_the_next_start_ends(
    folder: Path, spec: MakeSpec, alive: Alive, port: int
) -> None:
    slow = spec(BEHAVE="slow")
    program = (
        "from pathlib import Path\nfrom turnout import local\n"
        f"local.ensure(Path({str(folder)!r}), local.ServerSpec({slow.command!r}, {port}, "
        f"{dict(slow.environment)!r}))"
    )
    starter = subprocess.Popen([sys.executable, "-c", program])
    record = folder / "server.json"
    while not record.exists():
        time.sleep(0.02)
    left = json.loads(record.read_text())["process"]["pid"]
    starter.kill()
    starter.wait()
    assert alive(left)
    running = local.ensure(folder, spec())
    assert running.started
    assert not alive(left)


def test_the_log_of_the_server_before_is_kept(folder: Path, spec: MakeSpec) -> None:
    with pytest.raises(local.LocalServerError):
        local.ensure(folder, spec(BEHAVE="die"))
    local.ensure(folder, spec())
    assert "not a model" in (folder / "server.log.1").read_text()
    assert "not a model" not in (folder / "server.log").read_text()


def test_what_is_written_down_holds_no_setting(folder: Path, spec: MakeSpec) -> None:
    local.ensure(folder, spec(TURNOUT_API_KEYS="a-key-of-a-client"))
    assert "a-key-of-a-client" not in (folder / "server.json").read_text()


def test_a_half_written_record_is_no_server(folder: Path, spec: MakeSpec) -> None:
    folder.mkdir()
    (folder / "server.json").write_text('{"process": {"pid"')
    assert local.state(folder) is local.State.STOPPED
    assert local.ensure(folder, spec()).started
