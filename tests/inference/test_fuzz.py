"""Broken requests from a seed: whatever is sent, nothing of it is executed that is not a request.

More of them, by hand: `python -m tests.inference.fuzzing PORT SEED CASES` beside a server whose
TURNOUT_READ_TIMEOUT and TURNOUT_KEEP_ALIVE are half a second.
"""

from __future__ import annotations

import asyncio
import io
import logging
from pathlib import Path

import pytest
from tests.inference.fuzzing import SECRET, fuzz
from tests.inference.running import running, wait_until

from turnout_inference.logs import RequestLog

CASES = 500
GROWTH = 30
"""MB that the process, with the fuzzer in it, may grow by."""


def memory() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


@pytest.mark.parametrize("most", [512, 1])
def test_a_thousand_broken_requests_leave_the_server_as_it_was(
    most: int, caplog: pytest.LogCaptureFixture
) -> None:
    written = io.StringIO()
    with (
        caplog.at_level(logging.INFO),
        running(read_timeout=0.3, keep_alive=0.3, max_requests=most, log_requests=True) as server,
    ):
        server.service.request_log = RequestLog(written)
        before = memory()
        found = asyncio.run(fuzz(server.port, seed=most, cases=CASES, patience=0.8))
        assert found.wrong == []
        assert found.cases == CASES
        assert found.statuses[200] > CASES / 10
        assert found.statuses[400] > CASES / 10
        wait_until(lambda: server.service.door.requests == server.service.door.bytes == 0, 5)
        assert server.classify("a").status_code == 200
        assert memory() - before < GROWTH
        for path in ("/v1/classify", "/predict", "/classify", "unknown"):
            assert server.metric("turnout_requests_total", path=path, status="500") == 0
        server.service.request_log.flush()
    assert written.getvalue().count("\n") > CASES
    assert SECRET not in written.getvalue() + caplog.text
    complaints = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [record.getMessage() for record in complaints] == []
