"""The real process from start to end: exit codes, drain, killed workers, corrupt models."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from tests.inference.running import Process, environment, free_port, process, wait_until

from turnout_inference.model.fetch import DEFAULT_MODEL

SERVER = str(Path(sys.executable).with_name("turnout-server"))
HEALTHCHECK = str(Path(sys.executable).with_name("turnout-healthcheck"))


def run(port: int, **settings: object) -> subprocess.CompletedProcess[str]:
    """A server that is expected to end by itself."""
    return subprocess.run(
        [SERVER],
        env=environment(port, **settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def errors(finished: subprocess.CompletedProcess[str]) -> list[str]:
    assert "Traceback" not in finished.stdout + finished.stderr
    lines = [json.loads(line) for line in finished.stdout.splitlines()]
    return [line["message"] for line in lines if line["level"] == "error"]


def classify(url: str, text: str = "안녕하세요") -> int:
    return httpx.post(f"{url}/v1/classify", json={"inputs": text}, timeout=10).status_code


@pytest.fixture(scope="module")
def server() -> object:
    with process() as found:
        yield found


def test_it_serves_the_default_model_without_any_setting(server: Process) -> None:
    answer = httpx.post(f"{server.url}/v1/classify", json={"inputs": "오늘 날씨 참 좋네요"}).json()
    assert answer["results"][0]["labels"] == ["not_hate_speech"]


def test_the_settings_are_printed_at_start(server: Process) -> None:
    (starting,) = [line for line in server.lines() if line["message"] == "starting"]
    assert starting["settings"]["port"] == server.port
    assert starting["chosen_threads"] >= 1


def test_the_health_check_command_agrees(server: Process) -> None:
    done = subprocess.run(
        [HEALTHCHECK], env=environment(server.port), capture_output=True, timeout=20, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_the_health_check_command_says_why_not() -> None:
    port = free_port()
    done = subprocess.run(
        [HEALTHCHECK],
        env=environment(port),
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 1
    assert f"http://127.0.0.1:{port}/health: " in done.stderr


@pytest.mark.parametrize("host", ["::1", "::", "0.0.0.0", "127.0.0.2"])
def test_the_health_check_command_asks_where_the_server_listens(host: str) -> None:
    """Answers 200 there, and nowhere else."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    asked = {"::": "::1", "0.0.0.0": "127.0.0.1"}.get(host, host)
    try:
        listener = socket.create_server((asked, 0), family=family)
    except OSError:
        pytest.skip(f"this machine has no {asked}")
    with listener:
        threading.Thread(target=_answer_once, args=(listener,), daemon=True).start()
        done = subprocess.run(
            [HEALTHCHECK],
            env={**environment(listener.getsockname()[1]), "TURNOUT_HOST": host},
            capture_output=True,
            timeout=20,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, b"")


def _answer_once(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def test_the_health_check_command_imports_the_standard_library_only() -> None:
    code = "import sys, turnout_inference.healthcheck; print(*sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"sanic", "numpy", "pydantic", "httpx", "ctranslate2"} & set(found)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_wrong_setting_ends_it_with_2_and_its_name(workers: int) -> None:
    finished = run(free_port(), workers=workers, threads="many", thraeds=1)
    assert finished.returncode == 2
    assert any(
        message.startswith("setting refused: TURNOUT_THREADS: ") for message in errors(finished)
    )
    assert any("did you mean TURNOUT_THREADS" in message for message in errors(finished))


def test_workers_without_a_folder_for_their_figures_end_it_with_2_and_its_name(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").write_text("not a folder")
    finished = run(free_port(), workers=2, cache_dir=tmp_path / "file" / "cache")
    assert finished.returncode == 2
    (message,) = errors(finished)
    assert message.startswith(f"setting refused: TURNOUT_CACHE_DIR: {tmp_path}/file/cache ")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_port_that_is_taken_ends_it_with_4(workers: int) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        finished = run(port, workers=workers)
    assert finished.returncode == 4
    (message,) = errors(finished)
    assert f"127.0.0.1:{port} (Address already in use)" in message
    assert "TURNOUT_PORT" in message


@pytest.mark.parametrize("workers", [1, 2])
def test_an_address_that_is_not_ours_ends_it_with_4(workers: int) -> None:
    assert run(free_port(), workers=workers, host="192.0.2.1").returncode == 4


def _cut(folder: Path) -> None:
    path = folder / "model.bin"
    path.write_bytes(path.read_bytes()[:-1000])


def _flip(folder: Path) -> None:
    path = folder / "head.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def _consistent_nonsense(folder: Path) -> None:
    """A model.bin that is none, with the manifest made to agree."""
    (folder / "model.bin").write_bytes(b"nonsense")
    digest = hashlib.sha256(b"nonsense").hexdigest()
    manifest = json.loads((folder / "turnout.json").read_text())
    manifest["files"]["model.bin"] = {"sha256": digest, "size": 8}
    (folder / "turnout.json").write_text(json.dumps(manifest))


def _ids_of_another_model(folder: Path) -> None:
    """Right files, but the tokenizer's ids lead far beyond the encoder's tables."""
    manifest = json.loads((folder / "turnout.json").read_text())
    manifest["tokenizer"]["id_offset"] = 3_000_000
    (folder / "turnout.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("spoil", "place", "workers"),
    [
        (_cut, "model.bin", 1),
        (_flip, "head.safetensors", 1),
        (_consistent_nonsense, "CTranslate2 cannot load it", 1),
        (_consistent_nonsense, "CTranslate2 cannot load it", 2),
        (_ids_of_another_model, "the encoder has 8002 tokens", 1),
        (lambda folder: (folder / "turnout.json").unlink(), "turnout.json: missing", 1),
        (lambda folder: (folder / "vocabulary.json").unlink(), "vocabulary.json: missing", 1),
        (lambda folder: (folder / "extra.bin").write_bytes(b""), "extra.bin: not listed", 2),
        (shutil.rmtree, "no such folder", 1),
    ],
)
def test_a_model_that_is_not_whole_ends_it_with_3_before_the_port_opens(
    tmp_path: Path, spoil: Callable[[Path], None], place: str, workers: int
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(DEFAULT_MODEL, folder)
    spoil(folder)
    finished = run(free_port(), workers=workers, model=folder, cache_dir=tmp_path / "cache")
    assert finished.returncode == 3
    messages = errors(finished)
    assert messages
    assert all(message.startswith("model refused: ") for message in messages)
    assert place in messages[0]
    assert '"serving"' not in finished.stdout


def test_another_model_than_the_one_asked_for_ends_it_with_3() -> None:
    finished = run(free_port(), model=DEFAULT_MODEL, model_sha256="0" * 64)
    assert finished.returncode == 3
    assert "was asked for" in errors(finished)[0]


@pytest.mark.parametrize(("argument", "code"), [("--help", 0), ("--version", 0), ("--port=1", 2)])
def test_arguments_are_answered_with_how_it_is_used(argument: str, code: int) -> None:
    done = subprocess.run([SERVER, argument], capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert "turnout-server" in done.stdout + done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("workers", [1, 2])
def test_it_ends_with_0_when_told_to(number: int, workers: int, tmp_path: Path) -> None:
    with process(workers=workers, cache_dir=tmp_path) as server:
        assert server.stop(number) == 0
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("workers", [1, 2])
def test_told_to_end_while_it_starts_it_ends_with_0(workers: int) -> None:
    with process(workers=workers, ready=False) as server:
        wait_until(lambda: any(line["message"] == "starting" for line in server.lines()), 20)
        assert server.stop() == 0


def test_an_idle_server_is_gone_at_once() -> None:
    with process(drain_timeout=30) as server:
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 2


def test_sigterm_makes_it_unready_at_once_and_closes_later() -> None:
    with process(drain_wait=1.5) as server:
        server.popen.send_signal(signal.SIGTERM)
        wait_until(lambda: httpx.get(f"{server.url}/readyz").status_code == 503, 1)
        assert httpx.get(f"{server.url}/health").status_code == 503
        assert httpx.get(f"{server.url}/livez").status_code == 200
        assert classify(server.url) == 200
        assert server.popen.wait(10) == 0


class Callers:
    """Clients that keep on classifying, each on a connection that it keeps while it may."""

    def __init__(self, url: str, count: int) -> None:
        self._url = url
        self._stop = threading.Event()
        self.answered = 0
        self.lost: list[str] = []
        self.refused = 0
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run) for _ in range(count)]

    def __enter__(self) -> Callers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(20)

    def _run(self) -> None:
        texts = [f"텍스트 {number} 번" for number in range(6)]
        with httpx.Client(base_url=self._url, timeout=15) as client:
            while not self._stop.is_set():
                try:
                    response = client.post("/v1/classify", json={"inputs": texts})
                except httpx.ConnectError:
                    # Nobody took the request: a balancer sends it elsewhere.
                    with self._lock:
                        self.refused += 1
                    time.sleep(0.01)
                except httpx.HTTPError as error:
                    with self._lock:
                        self.lost.append(repr(error))
                else:
                    with self._lock:
                        if response.status_code == 200:
                            self.answered += 1
                        elif response.status_code != 429:
                            self.lost.append(str(response.status_code))


@pytest.mark.parametrize(("workers", "wait"), [(1, 0), (1, 0.5), (2, 0.3)])
def test_a_drain_under_load_loses_nothing(workers: int, wait: float) -> None:
    with process(workers=workers, drain_wait=wait) as server, Callers(server.url, 8) as callers:
        wait_until(lambda: callers.answered > 50, 20)
        assert server.stop() == 0
        assert callers.lost == []
        assert callers.refused > 0 or server.popen.returncode == 0


def test_a_request_that_outlives_the_bound_is_cut_off_and_told() -> None:
    with (
        process(drain_timeout=0.5, read_timeout=20) as server,
        socket.create_connection(("127.0.0.1", server.port)) as slow,
    ):
        slow.sendall(
            b"POST /v1/classify HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 100\r\n\r\n"
        )
        time.sleep(0.2)
        began = time.monotonic()
        assert server.stop() == 1
        assert time.monotonic() - began < 3


def test_a_collector_of_traces_that_never_answers_does_not_outlive_the_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as collector:
        port = collector.getsockname()[1]
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
        with process(drain_timeout=2, tracing=True) as server:
            assert classify(server.url) == 200
            began = time.monotonic()
            assert server.stop() == 0
            assert time.monotonic() - began < 2 + slowness()
        wait_until(lambda: any(line["message"] == "stopped" for line in server.lines()), 5)
        assert any("tracing" in line["message"] for line in server.lines())


def test_a_second_signal_ends_the_drain() -> None:
    with process(drain_wait=20) as server:
        server.popen.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 3


def test_a_killed_worker_is_back_within_a_second_and_the_rest_serves_on() -> None:
    with process(workers=2) as server:
        wait_until(lambda: len(serving(server)) == 2, 20)
        with Callers(server.url, 4) as callers:
            wait_until(lambda: callers.answered > 20, 20)
            victim = server.workers()[0]
            os.kill(victim, signal.SIGKILL)
            began = time.monotonic()
            wait_until(lambda: len(serving(server)) == 3, 5)
            back = time.monotonic() - began
            after = callers.answered
            wait_until(lambda: callers.answered > after + 20, 20)
        assert len(set(server.workers()) - {victim}) == 2
        # What the dead worker was computing is lost with it; nothing else is.
        assert len(callers.lost) <= 4
        assert callers.refused == 0
        assert back < 1.0 * slowness()
        assert server.stop() == 0


def test_all_workers_killed_at_once_come_back() -> None:
    with process(workers=2) as server:
        wait_until(lambda: len(serving(server)) == 2, 20)
        for pid in server.workers():
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: len(serving(server)) == 4, 20)
        assert classify(server.url) == 200


def test_workers_do_not_outlive_a_killed_supervisor() -> None:
    with process(workers=2) as server:
        workers = server.workers()
        assert len(workers) == 2
        server.popen.kill()
        server.popen.wait(10)
        wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), 10)


def test_the_metrics_of_all_workers_are_added_up() -> None:
    with process(workers=2) as server:
        wait_until(lambda: len(serving(server)) == 2, 20)
        for _ in range(20):
            classify(server.url)
        for _ in range(5):
            text = httpx.get(f"{server.url}/metrics").text
            assert 'turnout_requests_total{path="/v1/classify",status="200"} 20.0' in text


def serving(server: Process) -> list[object]:
    return [line for line in server.lines() if line["message"] == "serving"]


def slowness() -> float:
    """How much longer than on an idle machine things take now: others may use the CPUs."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1) * 1.5)


def test_it_runs_without_shared_memory_and_with_tmp_alone_to_write_to(tmp_path: Path) -> None:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("needs root and unshare(1) to take /dev/shm away")
    hide = 'umount -l /dev/shm && mount --bind /proc/sys /dev/shm; exec "$@"'
    command = ["unshare", "--mount", "sh", "-c", hide, "sh"]
    probe = subprocess.run(
        [*command, sys.executable, "-c", "import multiprocessing; multiprocessing.Lock()"],
        capture_output=True,
        check=False,
        timeout=30,
    )
    assert probe.returncode != 0, "/dev/shm is still there: the test would prove nothing"
    with process(command=command, workers=1, cache_dir=tmp_path) as server:
        assert classify(server.url) == 200
        assert server.stop() == 0
