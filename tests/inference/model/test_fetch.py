"""Fetching a model by URI: what arrives is the model that was asked for, or nothing is served."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.inference.model.folders import edit_manifest, write_model
from tests.inference.model.servers import FolderServer, Moto, certificate

from turnout_inference.model.errors import ModelRefused
from turnout_inference.model.fetch import DEFAULT_MODEL, resolve_model
from turnout_inference.model.files import verify_files
from turnout_inference.model.manifest import load_manifest, model_digest
from turnout_inference.model.source import FetchPolicy, Stream
from turnout_inference.model.source_s3 import S3Source

OTHER = "0" * 64


def in_cache(cache: Path, digest: str) -> Path:
    return cache / "models" / digest


# --- a folder of this machine


def test_without_a_uri_the_default_model_is_served(cache: Path) -> None:
    assert resolve_model(None, None, cache) == DEFAULT_MODEL
    assert not cache.exists()


@pytest.mark.parametrize("form", ["{}", "file://{}", "file://localhost{}"])
def test_a_local_folder_is_served_from_where_it_lies(model: Path, cache: Path, form: str) -> None:
    assert resolve_model(form.format(model), model_digest(model), cache) == model
    assert not cache.exists()


def test_a_local_folder_of_another_digest_is_refused(model: Path, cache: Path) -> None:
    with pytest.raises(ModelRefused, match=f"but {OTHER} was asked for"):
        resolve_model(str(model), OTHER, cache)


def test_a_digest_that_is_none_is_refused_before_anything_is_read(cache: Path) -> None:
    with pytest.raises(ModelRefused, match="not 64 hexadecimal digits"):
        resolve_model("/nowhere", "abc", cache)


def test_a_local_folder_that_is_missing_is_refused(tmp_path: Path, cache: Path) -> None:
    with pytest.raises(ModelRefused, match="no such folder"):
        resolve_model(str(tmp_path / "none"), None, cache)


# --- over http(s)


def test_a_fetched_model_is_whole_and_lies_under_its_digest(
    web: FolderServer, model: Path, cache: Path
) -> None:
    digest = model_digest(model)
    folder = resolve_model(web.url, digest, cache)
    assert folder == in_cache(cache, digest)
    verify_files(folder, load_manifest(folder))
    assert sorted(path.name for path in (cache / "models").iterdir()) == [digest, f"{digest}.lock"]


def test_a_cached_model_is_served_without_a_request(
    web: FolderServer, model: Path, cache: Path
) -> None:
    digest = model_digest(model)
    resolve_model(web.url, digest, cache)
    asked = len(web.asked)
    resolve_model(web.url, digest, cache)
    assert len(web.asked) == asked


@pytest.mark.parametrize("damage", ["flip", "remove", "add"])
def test_a_damaged_cache_is_fetched_again(
    web: FolderServer, model: Path, cache: Path, damage: str
) -> None:
    digest = model_digest(model)
    folder = resolve_model(web.url, digest, cache)
    match damage:
        case "flip":
            content = bytearray((folder / "model.bin").read_bytes())
            content[7] ^= 1
            (folder / "model.bin").write_bytes(content)
        case "remove":
            (folder / "model.bin").unlink()
        case "add":
            (folder / "vocabulary.txt").write_text("x")
    folder = resolve_model(web.url, digest, cache)
    verify_files(folder, load_manifest(folder))


def test_a_remote_model_without_a_digest_is_refused(web: FolderServer, cache: Path) -> None:
    with pytest.raises(ModelRefused, match="TURNOUT_MODEL_SHA256"):
        resolve_model(web.url, None, cache)
    assert web.asked == []


def test_the_last_step_of_a_uri_can_be_the_digest(
    web: FolderServer, model: Path, cache: Path
) -> None:
    digest = model_digest(model)
    assert resolve_model(f"{web.url}/{digest}/", None, cache) == in_cache(cache, digest)


def test_another_model_than_the_one_asked_for_is_refused(web: FolderServer, cache: Path) -> None:
    with pytest.raises(ModelRefused, match="this is another model"):
        resolve_model(web.url, OTHER, cache)


def test_a_cut_download_goes_on_from_the_last_byte(
    web: FolderServer, model: Path, cache: Path, hasty: FetchPolicy
) -> None:
    web.faults.cut_after["model.bin"] = [1000, 500]
    resolve_model(web.url, model_digest(model), cache, hasty)
    assert web.requests_for("model.bin") == [None, "bytes=1000-", "bytes=1500-"]


def test_a_later_start_goes_on_from_where_the_first_gave_up(
    web: FolderServer, model: Path, cache: Path, hasty: FetchPolicy
) -> None:
    web.faults.cut_after["model.bin"] = [1000, 0, 0, 0, 0]
    with pytest.raises(ModelRefused, match="3 times in a row"):
        resolve_model(web.url, model_digest(model), cache, hasty)
    web.faults.cut_after.clear()
    web.asked.clear()
    resolve_model(web.url, model_digest(model), cache, hasty)
    assert web.requests_for("model.bin") == ["bytes=1000-"]


def test_a_server_without_ranges_starts_the_file_over(
    web: FolderServer, model: Path, cache: Path, hasty: FetchPolicy
) -> None:
    web.faults.no_ranges = True
    web.faults.cut_after["model.bin"] = [1000]
    folder = resolve_model(web.url, model_digest(model), cache, hasty)
    assert (folder / "model.bin").read_bytes() == (model / "model.bin").read_bytes()


def test_a_server_that_never_gets_further_is_given_up(
    web: FolderServer, model: Path, cache: Path, hasty: FetchPolicy
) -> None:
    web.faults.no_ranges = True
    web.faults.cut_after["model.bin"] = [1000, 900] * 50
    with pytest.raises(ModelRefused, match="3 times in a row"):
        resolve_model(web.url, model_digest(model), cache, hasty)
    assert len(web.requests_for("model.bin")) == 3


def test_a_wrong_file_from_a_server_that_cuts_is_refused_in_the_end(
    web: FolderServer, model: Path, cache: Path, hasty: FetchPolicy
) -> None:
    web.faults.content["model.bin"] = b"X" * 3500
    web.faults.cut_after["model.bin"] = [1000, 2500] * 50
    with pytest.raises(ModelRefused, match=r"model\.bin: sha256 is"):
        resolve_model(web.url, model_digest(model), cache, hasty)
    assert len(web.requests_for("model.bin")) == 4


def test_a_server_that_sends_another_range_is_given_up(
    web: FolderServer, model: Path, cache: Path, hasty: FetchPolicy
) -> None:
    web.faults.lie_about_range = True
    web.faults.cut_after["model.bin"] = [1000]
    with pytest.raises(ModelRefused, match="another range"):
        resolve_model(web.url, model_digest(model), cache, hasty)


def test_bytes_left_by_a_damaged_partial_fetch_do_not_spoil_the_next(
    web: FolderServer, model: Path, cache: Path, hasty: FetchPolicy
) -> None:
    digest = model_digest(model)
    partial = cache / "models" / f"{digest}.partial"
    partial.mkdir(parents=True)
    (partial / "model.bin").write_bytes(b"x" * 100)
    (partial / "config.json").write_bytes(b"x" * 100_000)
    (partial / "stray").write_bytes(b"x")
    folder = resolve_model(web.url, digest, cache, hasty)
    verify_files(folder, load_manifest(folder))


@pytest.mark.parametrize("code", [408, 429, 500, 503, 520, 530, 599])
def test_a_passing_failure_is_tried_again(
    web: FolderServer, model: Path, cache: Path, hasty: FetchPolicy, code: int
) -> None:
    web.faults.status["turnout.json"] = [code, code]
    web.faults.status["model.bin"] = [code]
    resolve_model(web.url, model_digest(model), cache, hasty)


@pytest.mark.parametrize(
    ("code", "said"),
    [(403, "access rights"), (404, "check the URI"), (418, "answered 418"), (501, "501")],
)
def test_a_lasting_failure_is_refused_at_once(
    web: FolderServer, model: Path, cache: Path, hasty: FetchPolicy, code: int, said: str
) -> None:
    web.faults.status["model.bin"] = [code] * 9
    with pytest.raises(ModelRefused, match=said):
        resolve_model(web.url, model_digest(model), cache, hasty)
    assert len(web.requests_for("model.bin")) == 1


def test_a_missing_file_is_refused_by_its_url(
    web: FolderServer, model: Path, cache: Path, hasty: FetchPolicy
) -> None:
    digest = model_digest(model)
    (model / "model.bin").unlink()
    with pytest.raises(ModelRefused, match=f"{web.url}/model.bin: answered 404 Not Found"):
        resolve_model(web.url, digest, cache, hasty)


@pytest.mark.parametrize("name", ["model.bin", "config.json", "head.safetensors", "LICENSE"])
def test_a_file_with_another_hash_is_refused(
    web: FolderServer, model: Path, cache: Path, hasty: FetchPolicy, name: str
) -> None:
    content = bytearray((model / name).read_bytes())
    content[-1] ^= 1
    web.faults.content[name] = bytes(content)
    with pytest.raises(ModelRefused, match=f"{name}: sha256 is .* turnout.json says"):
        resolve_model(web.url, model_digest(model), cache, hasty)
    assert not in_cache(cache, model_digest(model)).exists()


def test_a_file_that_never_ends_is_cut_off(
    web: FolderServer, model: Path, cache: Path, hasty: FetchPolicy
) -> None:
    web.faults.content["config.json"] = b"{" * 5_000_000
    with pytest.raises(ModelRefused, match="longer than the 3 bytes"):
        resolve_model(web.url, model_digest(model), cache, hasty)


def test_a_file_that_ends_early_is_refused(
    web: FolderServer, model: Path, cache: Path, hasty: FetchPolicy
) -> None:
    web.faults.content["model.bin"] = (model / "model.bin").read_bytes()[:100]
    web.faults.no_ranges = True
    with pytest.raises(ModelRefused, match="ended after 100 of 3500 bytes"):
        resolve_model(web.url, model_digest(model), cache, hasty)


def test_a_manifest_that_never_ends_is_cut_off(
    web: FolderServer, model: Path, cache: Path, hasty: FetchPolicy
) -> None:
    web.faults.content["turnout.json"] = b" " * 3_000_000
    with pytest.raises(ModelRefused, match="more than 1048576 bytes"):
        resolve_model(web.url, model_digest(model), cache, hasty)


def test_a_model_of_another_format_is_refused_before_its_files_are_fetched(
    web: FolderServer, model: Path, cache: Path, hasty: FetchPolicy
) -> None:
    edit_manifest(model, format_version=2)
    with pytest.raises(ModelRefused, match="format_version: 2 is not one that this server reads"):
        resolve_model(web.url, model_digest(model), cache, hasty)
    assert web.requests_for("model.bin") == []


@pytest.mark.parametrize("name", ["../evil", "/etc/passwd", "a/b", "..", "a\\b", ".hidden"])
def test_a_manifest_that_points_outside_its_folder_is_refused(
    web: FolderServer, model: Path, cache: Path, hasty: FetchPolicy, name: str
) -> None:
    manifest = load_manifest(model)
    files = {key: entry.model_dump() for key, entry in manifest.files.items()}
    edit_manifest(model, files=files | {name: {"sha256": OTHER, "size": 0}})
    with pytest.raises(ModelRefused, match="files"):
        resolve_model(web.url, model_digest(model), cache, hasty)
    assert [path for path, _ in web.asked] == ["/model/turnout.json"]


def test_a_silent_server_is_given_up_with_the_reason(
    web: FolderServer, model: Path, cache: Path
) -> None:
    web.faults.stall["turnout.json"] = 1.5
    patience = FetchPolicy(connect_timeout=0.2, read_timeout=0.2, attempts=2, backoff=0.01)
    with pytest.raises(ModelRefused, match="timed out, 2 times in a row"):
        resolve_model(web.url, model_digest(model), cache, patience)


def test_an_unreachable_server_is_given_up_with_the_reason(
    model: Path, cache: Path, hasty: FetchPolicy
) -> None:
    with FolderServer(model) as server:
        url = server.url
    with pytest.raises(ModelRefused, match="Connection refused"):
        resolve_model(url, model_digest(model), cache, hasty)


def test_a_signed_query_goes_to_every_file_and_into_no_message(
    web: FolderServer, model: Path, cache: Path, hasty: FetchPolicy
) -> None:
    web.faults.status["model.bin"] = [403]
    with pytest.raises(ModelRefused) as refused:
        resolve_model(f"{web.url}?sig=topsecret", model_digest(model), cache, hasty)
    assert all(path.endswith("?sig=topsecret") for path, _ in web.asked)
    assert "topsecret" not in str(refused.value)


def test_a_uri_of_other_letters_is_sent_as_http_sends_it(
    web: FolderServer, model: Path, cache: Path, hasty: FetchPolicy
) -> None:
    folder = resolve_model(f"{web.url}/모 델?x=가", model_digest(model), cache, hasty)
    verify_files(folder, load_manifest(folder))
    assert web.asked[0][0] == "/model/%EB%AA%A8%20%EB%8D%B8/turnout.json?x=%EA%B0%80"


@pytest.mark.parametrize("host", ["한국.invalid", "xn--3e0b707e.invalid"])
def test_a_host_of_other_letters_is_looked_up(cache: Path, hasty: FetchPolicy, host: str) -> None:
    with pytest.raises(ModelRefused, match=r"xn--3e0b707e\.invalid/.*cannot be reached"):
        resolve_model(f"https://{host}/m", "0" * 64, cache, hasty)


@pytest.mark.parametrize("host", ["가" * 70 + ".example", "가..example"])
def test_a_host_that_cannot_be_a_name_is_refused(cache: Path, host: str) -> None:
    with pytest.raises(ModelRefused, match="its host cannot be a name"):
        resolve_model(f"https://{host}/m", "0" * 64, cache)


@pytest.mark.parametrize("target", ["http://[::1/topsecret", "http://[topsecret]/m"])
def test_a_redirect_to_what_is_no_url_is_refused(
    web: FolderServer, model: Path, cache: Path, hasty: FetchPolicy, target: str
) -> None:
    web.faults.redirect["model.bin"] = target
    with pytest.raises(ModelRefused, match="redirects to what is not a URL") as refused:
        resolve_model(web.url, model_digest(model), cache, hasty)
    assert "topsecret" not in str(refused.value)


def test_a_server_that_trickles_is_given_up_with_its_pace(
    web: FolderServer, model: Path, cache: Path, hasty: FetchPolicy
) -> None:
    web.faults.trickle["turnout.json"] = 0.01
    impatient = replace(hasty, pace=10_000, pace_over=0.2)
    with pytest.raises(ModelRefused, match=r"sent \d+ bytes in 0 s, 3 times in a row"):
        resolve_model(web.url, model_digest(model), cache, impatient)


def test_a_redirect_on_this_machine_is_followed(
    web: FolderServer, model: Path, cache: Path, hasty: FetchPolicy
) -> None:
    with FolderServer(model) as other:
        web.faults.redirect["model.bin"] = f"{other.url}/model.bin"
        resolve_model(web.url, model_digest(model), cache, hasty)
        assert len(other.asked) == 1


@pytest.mark.parametrize(
    "target", ["http://models.example.com/model.bin?sig=topsecret", "ftp://127.0.0.1/model.bin"]
)
def test_a_redirect_away_from_https_is_refused(
    web: FolderServer, model: Path, cache: Path, hasty: FetchPolicy, target: str
) -> None:
    web.faults.redirect["model.bin"] = target
    with pytest.raises(ModelRefused, match="not https") as refused:
        resolve_model(web.url, model_digest(model), cache, hasty)
    assert "topsecret" not in str(refused.value)


@pytest.fixture
def tls(model: Path, tmp_path: Path) -> Iterator[tuple[FolderServer, Path]]:
    context, trusted = certificate(tmp_path)
    with FolderServer(model, context) as server:
        yield server, trusted


def test_https_with_a_trusted_certificate_serves(
    tls: tuple[FolderServer, Path], model: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, trusted = tls
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    assert resolve_model(server.url, model_digest(model), cache).is_dir()


def test_https_with_an_unknown_certificate_is_refused_without_another_try(
    tls: tuple[FolderServer, Path], model: Path, cache: Path
) -> None:
    with pytest.raises(ModelRefused, match=r"certificate is not trusted .*SSL_CERT_FILE"):
        resolve_model(tls[0].url, model_digest(model), cache)


# --- the disk


def test_a_disk_that_fills_up_meanwhile_is_refused(
    web: FolderServer, model: Path, tmp_path: Path
) -> None:
    write_model(model, weights=b"weights" * 100_000)
    program = (
        "import shutil, sys; from pathlib import Path; "
        "shutil.disk_usage = lambda path: shutil._ntuple_diskusage(1 << 40, 0, 1 << 40); "
        "from turnout_inference.model.fetch import resolve_model; "
        "from turnout_inference.model.errors import ModelRefused\n"
        "try: resolve_model(sys.argv[1], sys.argv[2], Path(sys.argv[3]))\n"
        "except ModelRefused as refusal: print(refusal)\n"
        "print(sorted(path.suffix for path in Path(sys.argv[3], 'models').iterdir()))"
    )
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = 'mount -t tmpfs -o size=256k disk "$0" || exit 77; exec "$@"'
    ended = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mounted, str(disk),
         sys.executable, "-c", program, web.url, model_digest(model), str(disk / "cache")],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    if ended.returncode == 77 or "unshare" in ended.stderr:
        pytest.skip(f"no small disk can be mounted here: {ended.stderr.strip()}")
    refusal, left = ended.stdout.splitlines()
    assert "the disk is full; give the service more disk" in refusal
    assert left == "['.lock']"


def test_a_model_larger_than_the_free_disk_is_refused_before_it_is_fetched(
    web: FolderServer, model: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(model)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=100))
    with pytest.raises(ModelRefused, match="100 are free"):
        resolve_model(web.url, model_digest(model), cache)
    assert web.requests_for("model.bin") == []


def test_a_cache_that_cannot_be_written_is_refused_by_name(
    web: FolderServer, model: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ModelRefused, match="TURNOUT_CACHE_DIR"):
        resolve_model(web.url, model_digest(model), tmp_path / "file" / "cache")


def test_a_partial_fetch_that_cannot_be_used_is_out_of_the_way_at_the_next_start(
    web: FolderServer, model: Path, cache: Path
) -> None:
    digest = model_digest(model)
    (cache / "models" / f"{digest}.partial" / "model.bin").mkdir(parents=True)
    with pytest.raises(ModelRefused, match="cannot be written"):
        resolve_model(web.url, digest, cache)
    assert resolve_model(web.url, digest, cache).is_dir()


def test_a_link_in_a_partial_fetch_is_not_written_through(
    web: FolderServer, model: Path, cache: Path, tmp_path: Path
) -> None:
    digest = model_digest(model)
    partial = cache / "models" / f"{digest}.partial"
    partial.mkdir(parents=True)
    target = tmp_path / "precious"
    target.write_text("precious")
    (partial / "model.bin").symlink_to(target)
    with pytest.raises(ModelRefused):
        resolve_model(web.url, digest, cache)
    assert target.read_text() == "precious"


# --- several processes


def fetching_process(url: str, digest: str, cache: Path) -> subprocess.Popen[str]:
    program = (
        "import sys; from pathlib import Path; "
        "from turnout_inference.model.fetch import resolve_model; "
        "print(resolve_model(sys.argv[1], sys.argv[2], Path(sys.argv[3])))"
    )
    return subprocess.Popen(
        [sys.executable, "-c", program, url, digest, str(cache)], stdout=subprocess.PIPE, text=True
    )


def test_processes_that_start_together_fetch_each_file_once(
    web: FolderServer, model: Path, cache: Path
) -> None:
    web.faults.stall["model.bin"] = 0.5
    digest = model_digest(model)
    children = [fetching_process(web.url, digest, cache) for _ in range(3)]
    told = {child.communicate(timeout=30)[0].strip() for child in children}
    assert told == {str(in_cache(cache, digest))}
    assert len(web.requests_for("model.bin")) == 1


def test_a_process_killed_in_mid_fetch_neither_blocks_nor_spoils_the_next(
    web: FolderServer, model: Path, cache: Path, hasty: FetchPolicy
) -> None:
    web.faults.stall["model.bin"] = 1
    digest = model_digest(model)
    child = fetching_process(web.url, digest, cache)
    wait_for_request(web, "model.bin")
    child.kill()
    child.communicate(timeout=20)
    web.faults.stall.clear()
    folder = resolve_model(web.url, digest, cache, hasty)
    verify_files(folder, load_manifest(folder))


def wait_for_request(web: FolderServer, name: str) -> None:
    deadline = time.monotonic() + 20
    while not web.requests_for(name):
        assert time.monotonic() < deadline, f"{name} was never asked for"
        time.sleep(0.01)


def test_a_process_that_waits_for_another_too_long_says_so(
    web: FolderServer, model: Path, cache: Path
) -> None:
    web.faults.stall["model.bin"] = 0.6
    digest = model_digest(model)
    slow = threading.Thread(target=lambda: resolve_model(web.url, digest, cache))
    slow.start()
    wait_for_request(web, "model.bin")
    with pytest.raises(ModelRefused, match="another process has been fetching"):
        resolve_model(web.url, digest, cache, FetchPolicy(lock_wait=0.1))
    slow.join()


# --- S3


def test_a_model_is_fetched_from_s3(s3: Moto, model: Path, cache: Path) -> None:
    digest = model_digest(model)
    s3.put_folder(model, f"team/{digest}")
    folder = resolve_model(f"s3://models/team/{digest}", digest, cache)
    verify_files(folder, load_manifest(folder))


def test_a_cut_s3_download_goes_on_from_the_last_byte(
    s3: Moto, model: Path, cache: Path, hasty: FetchPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = model_digest(model)
    s3.put_folder(model, digest)
    partial = cache / "models" / f"{digest}.partial"
    partial.mkdir(parents=True)
    (partial / "model.bin").write_bytes((model / "model.bin").read_bytes()[:1234])
    asked: list[int] = []
    plain = S3Source.open

    def noted(self: S3Source, name: str, offset: int) -> AbstractContextManager[Stream]:
        asked.append(offset)
        return plain(self, name, offset)

    monkeypatch.setattr(S3Source, "open", noted)
    folder = resolve_model(f"s3://models/{digest}", None, cache, hasty)
    verify_files(folder, load_manifest(folder))
    assert 1234 in asked


@pytest.fixture
def flaky_s3(web: FolderServer, s3: Moto, monkeypatch: pytest.MonkeyPatch) -> FolderServer:
    """The web server in S3's place: it answers GetObject well enough, and fails on request."""
    del s3
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", web.url.removesuffix("/model"))
    return web


def test_an_s3_connection_that_is_cut_is_taken_up_at_the_last_byte(
    flaky_s3: FolderServer, model: Path, cache: Path, hasty: FetchPolicy
) -> None:
    flaky_s3.faults.cut_after["model.bin"] = [1000, 500]
    folder = resolve_model("s3://models/m", model_digest(model), cache, hasty)
    verify_files(folder, load_manifest(folder))
    assert flaky_s3.requests_for("model.bin") == [None, "bytes=1000-", "bytes=1500-"]


def test_a_passing_failure_of_s3_is_tried_again(
    flaky_s3: FolderServer, model: Path, cache: Path, hasty: FetchPolicy
) -> None:
    flaky_s3.faults.status["model.bin"] = [503, 500]
    resolve_model("s3://models/m", model_digest(model), cache, hasty)
    assert len(flaky_s3.requests_for("model.bin")) == 3


def test_a_silent_s3_is_given_up_with_the_reason(
    flaky_s3: FolderServer, model: Path, cache: Path
) -> None:
    flaky_s3.faults.stall["model.bin"] = 0.6
    patience = FetchPolicy(connect_timeout=0.2, read_timeout=0.2, attempts=2, backoff=0.01)
    with pytest.raises(ModelRefused, match=r"model\.bin: .*timed? ?out.*, 2 times in a row"):
        resolve_model("s3://models/m", model_digest(model), cache, patience)


def test_an_s3_that_denies_access_is_refused_with_the_right_to_grant(
    flaky_s3: FolderServer, model: Path, cache: Path, hasty: FetchPolicy
) -> None:
    flaky_s3.faults.status["model.bin"] = [403] * 9
    with pytest.raises(ModelRefused, match="allow s3:GetObject there"):
        resolve_model("s3://models/m", model_digest(model), cache, hasty)
    assert len(flaky_s3.requests_for("model.bin")) == 1


def test_a_tampered_object_is_refused(s3: Moto, model: Path, cache: Path) -> None:
    digest = model_digest(model)
    s3.put_folder(model, digest, lambda content: b"X" + content[1:])
    with pytest.raises(ModelRefused, match=f"s3://models/{digest}/model.bin: sha256 is"):
        resolve_model(f"s3://models/{digest}", None, cache)


@pytest.mark.usefixtures("s3")
@pytest.mark.parametrize("bucket", ["models", "no-such-bucket"])
def test_an_absent_object_or_bucket_is_refused(cache: Path, bucket: str) -> None:
    with pytest.raises(ModelRefused, match=r"NoSuch\w+; check the URI"):
        resolve_model(f"s3://{bucket}/nothing", OTHER, cache)


@pytest.mark.usefixtures("s3")
def test_an_s3_that_cannot_be_reached_is_given_up_with_the_reason(
    model: Path,
    cache: Path,
    hasty: FetchPolicy,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with FolderServer(model) as gone:
        url = gone.url
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
    with pytest.raises(ModelRefused, match="3 times in a row"):
        resolve_model("s3://models/x", OTHER, cache, hasty)


@pytest.mark.usefixtures("s3")
def test_no_credentials_are_said_to_be_missing(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(ModelRefused, match="no AWS credentials found"):
        resolve_model("s3://models/x", OTHER, cache)


@pytest.mark.usefixtures("s3")
def test_an_endpoint_that_is_no_url_is_said_to_be_wrong(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "not a url")
    with pytest.raises(ModelRefused, match="AWS_ENDPOINT_URL_S3"):
        resolve_model("s3://models/x", OTHER, cache)


def test_two_models_share_a_cache(tmp_path: Path, cache: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    write_model(first)
    write_model(second, weights=b"other weights")
    for folder in (first, second):
        with FolderServer(folder) as server:
            resolve_model(server.url, model_digest(folder), cache)
    assert len([path for path in (cache / "models").iterdir() if path.is_dir()]) == 2
