"""How many CPUs this process may really use: what the cgroup grants, not what the host has."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

LAMBDA_MEMORY_PER_CPU = 1769
"""MB of memory at which a Lambda function has one full vCPU (AWS Lambda developer guide)."""
METADATA_TIMEOUT = 0.5
"""Seconds to wait for the ECS task metadata endpoint, which is on the same host."""


def granted_cpus(environment: Mapping[str, str] = os.environ, root: Path = Path("/")) -> float:
    """CPUs by the tightest of: affinity, cgroup quota (v1, v2), Fargate task, Lambda memory."""
    bounds: list[float] = [len(os.sched_getaffinity(0))]
    bounds.extend(_cgroup_quotas(root))
    if uri := environment.get("ECS_CONTAINER_METADATA_URI_V4"):
        bounds.extend(_task_cpus(uri))
    if memory := environment.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", ""):
        bounds.append(int(memory) / LAMBDA_MEMORY_PER_CPU)
    return min(bound for bound in bounds if bound > 0)


def plan(cpus: float, workers: int, threads: int, threads_per_batch: int) -> tuple[int, int]:
    """Workers and batches at once in each, from the CPUs granted; 0 means choose.

    A worker's event loop keeps about four CPUs of the default model busy; a quota of less
    than a whole CPU still gets one thread, and fractions are rounded to the nearest.
    """
    whole = max(1, round(cpus))
    workers = workers or max(1, whole // 4)
    return workers, threads or max(1, whole // (workers * threads_per_batch))


def _cgroup_quotas(root: Path) -> Iterable[float]:
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            yield from _quotas_up(root / "sys/fs/cgroup", path, _quota_v2)
        elif "cpu" in controllers.split(","):
            yield from _quotas_up(root / "sys/fs/cgroup" / controllers, path, _quota_v1)
            yield from _quotas_up(root / "sys/fs/cgroup/cpu", path, _quota_v1)


def _quotas_up(mount: Path, path: str, quota: object) -> Iterable[float]:
    """Quotas of a cgroup and all above it. In a container the mount itself is the group."""
    assert callable(quota)  # noqa: S101
    folder = mount / path.strip("/")
    while True:
        yield quota(folder)
        if folder == mount or mount not in folder.parents:
            return
        folder = folder.parent


def _quota_v2(folder: Path) -> float:
    limit, _, period = _read(folder / "cpu.max").strip().partition(" ")
    return int(limit) / int(period) if limit.isdigit() and period.isdigit() else 0.0


def _quota_v1(folder: Path) -> float:
    limit = _read(folder / "cpu.cfs_quota_us").strip()
    period = _read(folder / "cpu.cfs_period_us").strip()
    return int(limit) / int(period) if limit.isdigit() and period.isdigit() else 0.0


def _task_cpus(uri: str) -> Iterable[float]:
    """vCPUs of a Fargate task (task metadata endpoint, version 4); the host shows more."""
    if not uri.startswith("http://"):
        return
    import json
    import urllib.request

    try:
        with urllib.request.urlopen(f"{uri}/task", timeout=METADATA_TIMEOUT) as answer:  # noqa: S310
            yield float(json.load(answer)["Limits"]["CPU"])
    except (OSError, ValueError, KeyError, TypeError):
        return


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
