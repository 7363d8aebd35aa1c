"""The container's contract (docs/container.md), held by the image in a real container."""

from __future__ import annotations

import json
import shutil
import threading
import time
from pathlib import Path

import pytest
from tests.image.container import Answer, Container, Image
from tests.image.models import default_model, remote_model
from tests.inference.model.servers import Moto

MEBIBYTE = 1 << 20
TEXT = {"inputs": "오늘 날씨가 참 좋네요"}


def test_it_answers_and_needs_nothing_but_a_writable_tmp(image: Image) -> None:
    with Container(image) as container:
        print(f"ready after {container.until_ready():.2f} s")
        assert container.ask("/health").status == 200
        assert container.ask("/livez").status == 200
        answer = container.ask("/v1/classify", TEXT)
        assert answer.status == 200, answer.body
        assert "Read-only file system" not in container.log
        assert container.execute("sh", "-c", "echo >/app/mark").returncode != 0
        assert container.execute("sh", "-c", "echo >/tmp/mark").returncode == 0
        assert container.execute("test", "-e", "/dev/shm").returncode != 0


def test_the_server_is_process_1_of_user_10001_without_capabilities(image: Image) -> None:
    with Container(image) as container:
        container.until_ready()
        status = container.execute("cat", "/proc/1/status").stdout
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        command = container.execute("cat", "/proc/1/cmdline").stdout.split("\0")
        assert fields["Uid"].split() == ["10001"] * 4
        assert fields["Gid"].split() == ["10001"] * 4
        assert int(fields["CapEff"], 16) == int(fields["CapBnd"], 16) == 0
        assert command[1].endswith("/turnout-server")


def test_the_health_check_command_says_what_the_server_says(image: Image) -> None:
    command = image.config["Healthcheck"]["Test"][1:]
    with Container(image, ["sleep", "60"]) as container:
        assert container.execute(*command).returncode == 1
    with Container(image) as container:
        container.until_ready()
        assert container.execute(*command).returncode == 0


def test_sigterm_turns_readiness_off_first_finishes_what_was_admitted_then_exits_0(
    image: Image,
) -> None:
    answers: list[Answer] = []
    texts = {"inputs": [f"{number}번째 댓글입니다 " * 12 for number in range(400)]}
    with Container(image, environment={"TURNOUT_DRAIN_WAIT": "1"}) as container:
        container.until_ready()
        asking = threading.Thread(
            target=lambda: answers.append(container.ask("/v1/classify", texts, timeout=30))
        )
        asking.start()
        time.sleep(0.05)
        container.signal("TERM")
        time.sleep(0.2)
        assert container.ask("/readyz").status == 503
        assert container.ask("/health").status == 503
        assert container.ask("/v1/classify", TEXT).status == 200
        assert container.wait() == 0, container.log
        asking.join(30)
    assert [answer.status for answer in answers] == [200]
    assert len(answers[0].json()["results"]) == 400


@pytest.mark.parametrize("user", [(993, 990), (0, 0)], ids=["as-lambda-does", "as-root"])
def test_any_user_may_run_it(image: Image, user: tuple[int, int]) -> None:
    with Container(image, user=user) as container:
        container.until_ready()
        assert container.ask("/v1/classify", TEXT).status == 200


def test_several_workers_need_no_shared_memory_either(image: Image) -> None:
    with Container(image, environment={"TURNOUT_WORKERS": "2"}) as container:
        container.until_ready()
        assert container.ask("/v1/classify", TEXT).status == 200
        container.signal("TERM")
        assert container.wait() == 0, container.log


def test_half_a_gibibyte_of_memory_is_enough_for_the_default_model(image: Image) -> None:
    long = {"inputs": ["긴 댓글 " * 400] * 64}
    with Container(image, memory=512 * MEBIBYTE) as container:
        container.until_ready()
        assert container.ask("/v1/classify", long, timeout=60).status == 200
        assert container.ask("/health").status == 200


def test_a_model_of_the_host_is_served_from_app_models(image: Image) -> None:
    with Container(
        image,
        environment={"TURNOUT_MODEL": "/app/models"},
        mounts={"/app/models": default_model(image)},
    ) as container:
        container.until_ready()
        assert container.ask("/v1/classify", TEXT).status == 200


def test_a_model_is_fetched_from_s3_and_checked(image: Image) -> None:
    with Moto() as s3, Container(image, environment=remote_model(s3, image)) as container:
        container.until_ready()
        assert container.ask("/v1/classify", TEXT).status == 200
        assert container.execute("ls", "/tmp/turnout/models").stdout


def test_a_model_that_was_tampered_with_is_refused(image: Image, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(default_model(image), folder)
    weights = bytearray((folder / "model.bin").read_bytes())
    weights[-1] ^= 1
    (folder / "model.bin").write_bytes(weights)
    with Container(
        image, environment={"TURNOUT_MODEL": "/app/models"}, mounts={"/app/models": folder}
    ) as container:
        assert container.wait() == 3
        assert "model.bin" in container.log
        assert "Traceback" not in container.log


def test_a_wrong_setting_is_named_and_exits_2(image: Image) -> None:
    with Container(image, environment={"TURNOUT_WORKRES": "2"}) as container:
        assert container.wait() == 2
        line = json.loads(container.log.splitlines()[0])
        assert "TURNOUT_WORKERS" in line["message"]


def test_a_port_that_is_taken_exits_4(image: Image) -> None:
    with Container(image) as first:
        first.until_ready()
        with Container(image, environment={"TURNOUT_PORT": str(first.port)}) as second:
            assert second.wait() == 4
            assert "Traceback" not in second.log
