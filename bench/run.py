"""The server against raw CTranslate2 on the same weights, texts and CPUs, in one run.

    python -m bench.run --texts comments.txt --out bench/results/here.json

Every step has a fixed length; the whole run takes about two minutes. The server gets the CPUs of
--server-cpus, the load generator those of --load-cpus, the yardstick those of the server.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop
from bench.load import Request, closed_loop, open_loop, post

if TYPE_CHECKING:
    from bench.raw import Raw

DEFAULT_TEXTS = Path(__file__).parent / "texts.txt"


def main() -> int:
    options = _options()
    # As the server has it, and before NumPy is imported: one thread, on the CPU that it is given.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    from bench.raw import texts_of

    texts = texts_of(options.texts, 4000)
    random.Random(7).shuffle(texts)
    os.sched_setaffinity(0, options.server_cpus)
    raw, figures = _raw(texts, options)
    report: dict[str, object] = {
        "machine": {
            "cpu": _cpu_name(),
            "cpus": sorted(options.server_cpus),
            "python": platform.python_version(),
        },
        "texts": {"file": options.texts.name, "count": len(texts)},
        "raw": figures,
    }
    with _server(options) as (process, port, first):
        report["start_to_first_200_seconds"] = round(first, 3)
        os.sched_setaffinity(0, options.load_cpus)
        uvloop.run(_loads(report, texts, process.pid, port, raw, options.seconds))
        report["memory_mb"] = _memory(process.pid)
    if options.out is not None:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))
    return 0


async def _loads(
    report: dict[str, object], texts: list[str], pid: int, port: int, raw: Raw, seconds: float
) -> None:
    single = [_request([text]) for text in texts]
    sixteen = [_request(texts[start : start + 16]) for start in range(0, len(texts) - 16, 16)]
    await closed_loop(port, single, connections=8, seconds=1)
    lone = await closed_loop(port, single, connections=1, seconds=seconds)
    report["one_connection"] = lone.figures()
    for name, requests, connections in (
        ("single_texts_32_connections", single, 32),
        ("sixteen_texts_8_connections", sixteen, 8),
    ):
        cpu = _cpu_seconds(pid)
        result = await closed_loop(port, requests, connections=connections, seconds=seconds)
        cost = (_cpu_seconds(pid) - cpu) * 1000 / result.texts
        rate = result.texts / result.seconds
        report[name] = result.figures() | {
            "of_raw_best": round(rate / raw.best, 3),
            "cpu_ms_a_text": round(cost, 3),
            "of_raw_best_by_cpu": round(raw.least_cpu / cost, 3),
        }
        if name.startswith("single"):
            full = rate
            normal = result
    eighty = await open_loop(port, single, rate=full * 0.8, seconds=seconds)
    report["single_texts_at_80_percent"] = eighty.figures() | {
        "p99_of_p50": round(eighty.quantile(0.99) / max(eighty.quantile(0.5), 1e-9), 2)
    }
    over = await closed_loop(port, single, connections=320, seconds=seconds, ramp=2)
    report["single_texts_320_connections"] = over.figures() | {
        "p99_of_normal_p99": round(over.quantile(0.99) / max(normal.quantile(0.99), 1e-9), 2),
        "of_full_rate": round(over.texts / over.seconds / full, 3),
    }


def _raw(texts: list[str], options: argparse.Namespace) -> tuple[Raw, dict[str, object]]:
    from bench.raw import measure

    from turnout_inference.model.fetch import resolve_model
    from turnout_inference.worker import load_model

    folder = resolve_model(options.model, None, Path("/nonexistent"))
    model = load_model(folder, threads=len(options.server_cpus), threads_per_batch=1)
    encoded = [model.tokenizer.encode(text) for text in texts]
    found = measure(model.backend, encoded, options.seconds / 2)
    return found, {
        "model": model.manifest.name,
        "texts_per_second_by_rows": found.by_rows,
        "cpu_ms_a_text_by_rows": found.cpu_by_rows,
        "mean_tokens": round(sum(len(item.ids) for item in encoded) / len(encoded), 1),
    }


@contextmanager
def _server(options: argparse.Namespace) -> Iterator[tuple[subprocess.Popen[bytes], int, float]]:
    """The server as its own process; seconds until its first 200 of a classification."""
    settings = dict(pair.split("=", 1) for pair in options.setting)
    port = 18_800
    environment = os.environ | {
        "TURNOUT_HOST": "127.0.0.1",
        "TURNOUT_PORT": str(port),
        "TURNOUT_CACHE_DIR": "/tmp/turnout-bench",  # noqa: S108
        **({"TURNOUT_MODEL": options.model} if options.model else {}),
        **settings,
    }
    began = time.perf_counter()
    with Path(os.devnull).open("wb") as nowhere:
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name("turnout-server"))],
            env=environment,
            stdout=nowhere,
            preexec_fn=lambda: os.sched_setaffinity(0, options.server_cpus),
        )
    try:
        _wait(port, process)
        yield process, port, time.perf_counter() - began
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/classify",
        data=b'{"inputs": "first"}',
        headers={"Content-Type": "application/json"},
    )
    for _ in range(3000):
        try:
            with urllib.request.urlopen(request, timeout=5):
                return
        except OSError:
            if process.poll() is not None:
                raise SystemExit(f"the server ended with {process.returncode}") from None
            time.sleep(0.01)
    raise SystemExit("the server did not answer within 30 s")


def _request(texts: list[str]) -> Request:
    body = json.dumps({"inputs": texts if len(texts) > 1 else texts[0]}, ensure_ascii=False)
    return post("/v1/classify", body.encode(), len(texts))


def _cpu_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory(pid: int) -> dict[str, float]:
    fields = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    return {
        name: round(int(fields[name].split()[0]) / 1024, 1)
        for name in ("VmRSS", "VmHWM", "RssAnon")
    }


def _cpu_name() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def _options() -> argparse.Namespace:
    everything = sorted(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(description="The server against raw CTranslate2.")
    parser.add_argument("--model", help="model folder; the default model when left out")
    parser.add_argument("--texts", type=Path, default=DEFAULT_TEXTS)
    parser.add_argument("--seconds", type=float, default=8.0, help="length of every step")
    parser.add_argument("--server-cpus", type=_cpus, default={everything[0]})
    parser.add_argument("--load-cpus", type=_cpus, default=set(everything[1:] or everything))
    parser.add_argument("--setting", action="append", default=[], metavar="TURNOUT_X=Y")
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


def _cpus(text: str) -> set[int]:
    return {int(part) for part in text.split(",")}


if __name__ == "__main__":
    sys.exit(main())
