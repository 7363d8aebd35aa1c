"""CPUs granted, from made-up cgroups."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from turnout_inference.cpus import granted_cpus, plan

AVAILABLE = len(os.sched_getaffinity(0))


def cgroup(root: Path, membership: str, **files: str) -> Path:
    """A root with /proc/self/cgroup and, by double underscores, files below /sys/fs/cgroup."""
    for name, text in {"proc/self/cgroup": membership, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def v2(root: Path, **limits: str) -> Path:
    files = {f"sys/fs/cgroup/{name}/cpu.max": text for name, text in limits.items()}
    return cgroup(root, "0::/a/b\n", **files)


def test_without_a_quota_it_is_what_the_scheduler_allows(tmp_path: Path) -> None:
    assert granted_cpus({}, tmp_path) == AVAILABLE


def test_a_v2_quota_is_honoured(tmp_path: Path) -> None:
    assert granted_cpus({}, v2(tmp_path, **{"a/b": "50000 100000"})) == 0.5


def test_a_v2_quota_of_max_is_none(tmp_path: Path) -> None:
    assert granted_cpus({}, v2(tmp_path, **{"a/b": "max 100000"})) == AVAILABLE


def test_the_tightest_of_a_group_and_those_above_it_counts(tmp_path: Path) -> None:
    root = v2(tmp_path, **{"a/b": "80000 100000", "a": "25000 100000"})
    assert granted_cpus({}, root) == 0.25


def test_in_a_container_the_mount_is_the_group(tmp_path: Path) -> None:
    root = cgroup(tmp_path, "0::/\n", **{"sys/fs/cgroup/cpu.max": "75000 100000"})
    assert granted_cpus({}, root) == 0.75


@pytest.mark.parametrize("controllers", ["cpu", "cpu,cpuacct"])
def test_a_v1_quota_is_honoured(tmp_path: Path, controllers: str) -> None:
    folder = f"sys/fs/cgroup/{controllers}/docker/x"
    root = cgroup(
        tmp_path,
        f"5:memory:/docker/x\n4:{controllers}:/docker/x\n",
        **{f"{folder}/cpu.cfs_quota_us": "30000\n", f"{folder}/cpu.cfs_period_us": "100000\n"},
    )
    assert granted_cpus({}, root) == 0.3


def test_a_v1_quota_of_minus_one_is_none(tmp_path: Path) -> None:
    folder = "sys/fs/cgroup/cpu"
    root = cgroup(
        tmp_path,
        "4:cpu:/\n",
        **{f"{folder}/cpu.cfs_quota_us": "-1\n", f"{folder}/cpu.cfs_period_us": "100000\n"},
    )
    assert granted_cpus({}, root) == AVAILABLE


def test_lambda_grants_a_cpu_for_every_1769_megabytes(tmp_path: Path) -> None:
    granted = granted_cpus({"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "884"}, tmp_path)
    assert granted == pytest.approx(0.5, abs=0.01)


@pytest.fixture
def metadata() -> Iterator[str]:
    """An ECS task metadata endpoint of a task of a quarter vCPU."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"Limits": {"CPU": 0.25, "Memory": 512}}).encode()
            self.send_response(200 if self.path == "/v4/x/task" else 404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v4/x"
    server.shutdown()
    server.server_close()


def test_fargate_tells_the_tasks_cpus_by_its_metadata(tmp_path: Path, metadata: str) -> None:
    assert granted_cpus({"ECS_CONTAINER_METADATA_URI_V4": metadata}, tmp_path) == 0.25


def test_metadata_that_does_not_answer_is_no_bound(tmp_path: Path) -> None:
    gone = {"ECS_CONTAINER_METADATA_URI_V4": "http://127.0.0.1:9/v4/x"}
    assert granted_cpus(gone, tmp_path) == AVAILABLE


@pytest.mark.parametrize(
    ("cpus", "workers", "threads", "per_batch", "chosen"),
    [
        (0.25, 0, 0, 1, (1, 1)),
        (1, 0, 0, 1, (1, 1)),
        (2, 0, 0, 1, (1, 2)),
        (4, 0, 0, 1, (1, 4)),
        (8, 0, 0, 1, (2, 4)),
        (16, 0, 0, 1, (4, 4)),
        (16, 0, 0, 4, (4, 1)),
        (4, 2, 0, 1, (2, 2)),
        (4, 0, 9, 1, (1, 9)),
        (2, 5, 0, 1, (5, 1)),
    ],
)
def test_workers_and_threads_share_the_cpus(
    cpus: float, workers: int, threads: int, per_batch: int, chosen: tuple[int, int]
) -> None:
    assert plan(cpus, workers, threads, per_batch) == chosen
