"""turnout beside other servers, on the same weights, texts and CPUs, in one run.

    python -m bench.peers.run --layers 4 --width 256 \\
        --fastapi fastapi-venv/bin/python --infinity infinity-venv/bin/infinity_emb

Peers are measured where their interpreter or program is given; each has an environment of its
own (`requirements/peers-*.txt`, 3 GB each). The weights are random and of the size asked for, in
each server's own format. One server runs at a time; what it is asked and how is the same for all.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvloop
from bench.load import Request, closed_loop, post
from bench.make_model import Size, random_weights, write_checkpoint, write_model
from bench.process import Process, serving
from bench.raw import measure_apart, texts_of
from bench.run import DEFAULT_TEXTS, cpus

from turnout_inference.model.fetch import DEFAULT_MODEL
from turnout_inference.model.manifest import load_manifest

PORT = 18_810
VOCABULARY, MAX_TOKENS = 8002, 512
LOADS = (
    ("one_text_1_connection", 1, 1),
    ("one_text_32_connections", 1, 32),
    ("sixteen_texts_8_connections", 16, 8),
)
"""Name, texts a request, connections."""


@dataclass(frozen=True)
class Server:
    """How a server is started and asked."""

    command: Sequence[str]
    path: str
    body: Callable[[list[str]], object]
    environment: Mapping[str, str] = field(default_factory=dict)


def main() -> int:
    options = _options()
    texts = texts_of(options.texts, 4000)
    with tempfile.TemporaryDirectory() as folder:
        model, checkpoint = Path(folder) / "model", Path(folder) / "checkpoint"
        labels = len(load_manifest(DEFAULT_MODEL).labels)
        size = Size(options.layers, options.width, VOCABULARY, labels, MAX_TOKENS)
        weights = random_weights(size)
        write_model(model, size, weights, "int8")
        write_checkpoint(checkpoint, size, weights)
        raw = measure_apart(
            options.texts, str(model), options.server_cpus, options.seconds / 2, "library"
        )
        report: dict[str, Any] = {
            "model": f"{options.layers}x{options.width}",
            "raw_ctranslate2_texts_per_second": raw.best,
        }
        for name, server in _servers(options, model, checkpoint).items():
            os.sched_setaffinity(0, options.load_cpus)
            report[name] = _measure(server, texts, options)
    if options.out is not None:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))
    return 0


def _servers(options: argparse.Namespace, model: Path, checkpoint: Path) -> dict[str, Server]:
    servers = {
        "turnout": Server(
            [str(Path(sys.executable).with_name("turnout-server"))],
            "/v1/classify",
            lambda texts: {"inputs": texts},
            {
                "TURNOUT_HOST": "127.0.0.1",
                "TURNOUT_PORT": str(PORT),
                "TURNOUT_MODEL": str(model),
                "TURNOUT_CACHE_DIR": "/tmp/turnout-bench",  # noqa: S108
            },
        )
    }
    if options.fastapi:
        servers["fastapi_torch"] = Server(
            [
                options.fastapi,
                *["-m", "uvicorn", "bench.peers.fastapi_torch:app", "--log-level", "warning"],
                *f"--host 127.0.0.1 --port {PORT}".split(),
            ],
            "/classify",
            lambda texts: {"inputs": texts},
            {"CHECKPOINT": str(checkpoint), "HF_HUB_OFFLINE": "1"},
        )
    if options.infinity:
        servers["infinity"] = Server(
            [
                options.infinity,
                *f"v2 --model-id {checkpoint} --served-model-name peer".split(),
                *[
                    "--engine",
                    "torch",
                    "--device",
                    "cpu",
                    "--no-bettertransformer",
                    "--no-model-warmup",
                ],
                *f"--host 127.0.0.1 --port {PORT} --log-level error".split(),
            ],
            "/classify",
            lambda texts: {"input": texts, "model": "peer"},
            {"HF_HUB_OFFLINE": "1", "DO_NOT_TRACK": "1"},
        )
    return servers


def _measure(server: Server, texts: list[str], options: argparse.Namespace) -> dict[str, Any]:
    first = json.dumps(server.body(["first"])).encode()
    with serving(
        server.command,
        server.environment,
        port=PORT,
        path=server.path,
        body=first,
        cpus=options.server_cpus,
    ) as process:
        figures = uvloop.run(_loads(server, texts, process, options.seconds))
        return figures | {
            "start_to_first_200_seconds": round(process.started, 2),
            "memory_mb": process.memory_mb(),
        }


async def _loads(
    server: Server, texts: list[str], process: Process, seconds: float
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, together, connections in LOADS:
        groups = [texts[at : at + together] for at in range(0, len(texts) - together, together)]
        requests = [_request(server, group) for group in groups]
        await closed_loop(PORT, requests, connections=connections, seconds=1)
        cpu = process.cpu_seconds()
        result = await closed_loop(PORT, requests, connections=connections, seconds=seconds)
        cost = (process.cpu_seconds() - cpu) * 1000 / max(result.texts, 1)
        found[name] = result.figures() | {"cpu_ms_a_text": round(cost, 3)}
    return found


def _request(server: Server, texts: list[str]) -> Request:
    body = json.dumps(server.body(texts), ensure_ascii=False).encode()
    return post(server.path, body, len(texts))


def _options() -> argparse.Namespace:
    everything = sorted(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(description="turnout beside other servers.")
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--fastapi", metavar="PYTHON", help="interpreter with FastAPI and PyTorch")
    parser.add_argument("--infinity", metavar="PROGRAM", help="infinity_emb")
    parser.add_argument("--texts", type=Path, default=DEFAULT_TEXTS)
    parser.add_argument("--seconds", type=float, default=8.0, help="length of every step")
    parser.add_argument("--server-cpus", type=cpus, default={everything[0]})
    parser.add_argument("--load-cpus", type=cpus, default=set(everything[1:] or everything))
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
