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
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import uvloop
from bench.load import Request, Result, closed_loop, open_loop, post
from bench.process import Process, serving
from bench.raw import Raw, measure_apart, texts_of

DEFAULT_TEXTS = Path(__file__).parent / "texts.txt"
PORT = 18_800
NORMAL, OVER = 32, 320
"""Connections, each with a request under way at all times: what fills a CPU, ten times that."""


def main() -> int:
    options = _options()
    texts = texts_of(options.texts, 4000)
    raws = {
        instructions: measure_apart(
            options.texts, options.model, options.server_cpus, options.seconds / 2, instructions
        )
        for instructions in ("library", "server")
    }
    report: dict[str, Any] = {
        "machine": {
            "cpu": _cpu_name(),
            "cpus": sorted(options.server_cpus),
            "python": platform.python_version(),
            "load": os.getloadavg(),
        },
        "texts": {"file": options.texts.name, "count": len(texts)},
        "raw": {name: raw.figures() for name, raw in raws.items()},
    }
    with turnout(options.model, options.setting, options.server_cpus) as process:
        report["start_to_first_200_seconds"] = round(process.started, 3)
        os.sched_setaffinity(0, options.load_cpus)
        uvloop.run(_loads(report, texts, process, raws, options.seconds))
        report["memory_mb"] = {
            "now": process.memory_mb(),
            "peak": round(process.peak_memory_mb(), 1),
        }
    if options.out is not None:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))
    return 0


def turnout(model: str | None, settings: Sequence[str], cpus: set[int]) -> Any:
    """The server of this checkout, on these CPUs; settings as `TURNOUT_X=Y`."""
    environment = {
        "TURNOUT_HOST": "127.0.0.1",
        "TURNOUT_PORT": str(PORT),
        "TURNOUT_CACHE_DIR": "/tmp/turnout-bench",  # noqa: S108
        **({"TURNOUT_MODEL": model} if model else {}),
        **dict(pair.split("=", 1) for pair in settings),
    }
    return serving(
        [str(Path(sys.executable).with_name("turnout-server"))],
        environment,
        port=PORT,
        path="/v1/classify",
        body=b'{"inputs": "first"}',
        cpus=cpus,
    )


async def _loads(
    report: dict[str, Any],
    texts: list[str],
    process: Process,
    raws: dict[str, Raw],
    seconds: float,
) -> None:
    single = [request([text]) for text in texts]
    sixteen = [request(texts[start : start + 16]) for start in range(0, len(texts) - 16, 16)]
    await closed_loop(PORT, single, connections=8, seconds=1)
    lone = await closed_loop(PORT, single, connections=1, seconds=seconds)
    report["one_connection"] = lone.figures()
    normal = await _full(report, "single_texts", single, NORMAL, process, raws, seconds)
    await _full(report, "sixteen_texts", sixteen, 8, process, raws, seconds)
    full = normal.texts / normal.seconds
    eighty = await open_loop(PORT, single, rate=full * 0.8, seconds=seconds)
    report["single_texts_at_80_percent"] = eighty.figures() | {
        "p99_of_p50": _ratio(eighty.quantile(0.99), eighty.quantile(0.5))
    }
    ramp = min(2.0, seconds)
    over = await closed_loop(PORT, single, connections=OVER, seconds=seconds, ramp=ramp)
    report[f"single_texts_{OVER}_connections"] = over.figures() | {
        "p99_of_normal_p99": _ratio(over.quantile(0.99), normal.quantile(0.99)),
        "of_full_rate": _ratio(over.texts / over.seconds, full),
    }


async def _full(
    report: dict[str, Any],
    name: str,
    requests: list[Request],
    connections: int,
    process: Process,
    raws: dict[str, Raw],
    seconds: float,
) -> Result:
    """As fast as it goes, against each yardstick."""
    cpu = process.cpu_seconds()
    result = await closed_loop(PORT, requests, connections=connections, seconds=seconds)
    cost = (process.cpu_seconds() - cpu) * 1000 / result.texts
    rate = result.texts / result.seconds
    report[f"{name}_{connections}_connections"] = result.figures() | {
        "cpu_ms_a_text": round(cost, 3),
        "of_raw_best": {by: _ratio(rate, raw.best) for by, raw in raws.items()},
        "of_raw_best_by_cpu": {by: _ratio(raw.least_cpu, cost) for by, raw in raws.items()},
    }
    return result


def request(texts: list[str]) -> Request:
    """A request of our API with these texts."""
    body = json.dumps({"inputs": texts if len(texts) > 1 else texts[0]}, ensure_ascii=False)
    return post("/v1/classify", body.encode(), len(texts))


def _ratio(part: float, whole: float) -> float:
    return round(part / max(whole, 1e-9), 3)


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
    parser.add_argument("--server-cpus", type=cpus, default={everything[0]})
    parser.add_argument("--load-cpus", type=cpus, default=set(everything[1:] or everything))
    parser.add_argument("--setting", action="append", default=[], metavar="TURNOUT_X=Y")
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


def cpus(text: str) -> set[int]:
    """CPU numbers of an option, such as 0,2."""
    return {int(part) for part in text.split(",")}


if __name__ == "__main__":
    sys.exit(main())
