"""A great many requests to one server process: does its memory stay where it is?

    python -m bench.soak --requests 1000000

Texts are cut short, so that as many requests as possible fit the time. It ends by itself.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

import uvloop
from bench.load import closed_loop
from bench.process import Process
from bench.raw import texts_of
from bench.run import DEFAULT_TEXTS, PORT, cpus, request, turnout

CONNECTIONS = 32
STEPS = 10


def main() -> int:
    options = _options()
    texts = [text[: options.characters] for text in texts_of(options.texts, 4000)]
    with turnout(options.model, options.setting, options.server_cpus) as process:
        os.sched_setaffinity(0, options.load_cpus)
        uvloop.run(_soak(process, texts, options.requests))
    return 0


async def _soak(process: Process, texts: list[str], requests: int) -> None:
    """Print a line a tenth of the way."""
    ready = [request([text]) for text in texts]
    began, answered = time.perf_counter(), 0
    for step in range(1, STEPS + 1):
        while answered < requests * step / STEPS:
            result = await closed_loop(PORT, ready, connections=CONNECTIONS, seconds=5)
            if result.statuses.keys() != {200}:
                raise SystemExit(f"not all were answered: {dict(result.statuses)}")
            answered += result.statuses[200]
        print(
            f"{answered} requests, {time.perf_counter() - began:.0f} s, "
            f"{process.memory_mb()} MB resident",
            flush=True,
        )


def _options() -> argparse.Namespace:
    everything = sorted(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(description="A great many requests.")
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--characters", type=int, default=12, help="of each text")
    parser.add_argument("--model", help="model folder; the default model when left out")
    parser.add_argument("--texts", type=Path, default=DEFAULT_TEXTS)
    parser.add_argument("--server-cpus", type=cpus, default={everything[0]})
    parser.add_argument("--load-cpus", type=cpus, default=set(everything[1:] or everything))
    parser.add_argument("--setting", action="append", default=[], metavar="TURNOUT_X=Y")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
