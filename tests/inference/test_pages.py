"""The try-it page and the documentation, as files and in headless Chromium."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tests.inference.browser import CHROMIUM, Page, browser
from tests.inference.running import Running, fake_model, running

from turnout_inference.fake import FakeBackend
from turnout_inference.model.fetch import DEFAULT_MODEL
from turnout_inference.worker import load_model

PAGES = ["/", "/docs"]
ASSETS = ["/assets/try.js", "/assets/style.css", "/assets/icon.svg"]
KEY = "a-key-of-16-chars"
PICTURES = os.environ.get("TURNOUT_TEST_PICTURES")
"""A folder for screenshots, to look at; none are taken without."""

needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="NO CHROMIUM: the pages were not tried in a browser"
)


class Collected(HTMLParser):
    """What a page refers to, and what a strict policy would refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.inline: list[str] = []
        self._in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.links += [value for name in ("href", "src") if (value := given.get(name))]
        self.inline += [name for name in given if name == "style" or name.startswith("on")]
        if tag == "style" or (tag == "script" and "src" not in given):
            self.inline.append(tag)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_nothing_inline_and_nothing_from_elsewhere(server: Running, path: str) -> None:
    response = server.client.get(path)
    found = Collected()
    found.feed(response.text)
    assert found.inline == []
    assert all(link.startswith(("/", "#")) and not link.startswith("//") for link in found.links)
    for link in {link for link in found.links if link.startswith("/")}:
        assert server.client.get(link).status_code == 200


@pytest.mark.parametrize("path", [*PAGES, *ASSETS])
def test_a_page_has_a_strict_policy(server: Running, path: str) -> None:
    headers = server.client.get(path).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("path", [*PAGES, *ASSETS])
def test_what_has_not_changed_is_not_sent_again(server: Running, path: str) -> None:
    tag = server.client.get(path).headers["etag"]
    again = server.client.get(path, headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")


def test_the_documentation_has_every_endpoint_and_every_link_in_it_leads_somewhere(
    server: Running,
) -> None:
    html = server.client.get("/docs").text
    for path in server.client.get("/openapi.json").json()["paths"]:
        assert f"<code>{path}</code>" in html
    anchors = set(re.findall(r'id="([^"]+)"', html))
    assert set(re.findall(r'href="#([^"]+)"', html)) <= anchors


def test_pages_can_be_switched_off() -> None:
    with running(pages=False) as server:
        for path in ["/docs", *ASSETS]:
            assert server.client.get(path).status_code == 404
        assert server.client.get("/").json() == {"status": "ok"}
        assert server.client.post("/", json={"inputs": "a"}).status_code == 200


def test_markup_in_a_models_name_is_shown_not_run() -> None:
    labels = ["<b>bold</b>", "fine"]
    model = fake_model(FakeBackend(labels=2), labels=labels, thresholds=dict.fromkeys(labels, 0.5))
    with running(model) as server:
        assert "<b>bold" not in server.client.get("/docs").text


@pytest.fixture(scope="module")
def real() -> Iterator[Running]:
    with running(load_model(DEFAULT_MODEL, threads=1, threads_per_batch=1)) as found:
        yield found


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with browser(tmp_path / "profile", "--window-size=900,1100") as found:
        yield found


def picture(page: Page, name: str) -> None:
    if PICTURES:
        page.picture(Path(PICTURES) / f"{name}.png")


@needs_chromium
def test_a_comment_is_classified_with_the_keyboard_alone(real: Running, page: Page) -> None:
    page.open(real.url)
    page.wait("document.getElementById('model').textContent.includes('9 labels')")
    assert page.evaluate("document.activeElement.id") == "text"
    page.type("오늘 날씨가 참 좋네요")
    page.press("Enter", 13, control=True)
    page.wait("document.querySelectorAll('#bars li').length === 9")
    said = page.evaluate("document.getElementById('said').textContent")
    assert said.startswith("Label: not hate speech. ")
    first = page.evaluate("document.querySelector('#bars li').textContent")
    assert first.startswith("not hate speech99")
    width = page.evaluate("document.querySelector('#bars .fill').getBoundingClientRect().width")
    track = page.evaluate("document.querySelector('#bars .track').getBoundingClientRect().width")
    assert width / track > 0.9
    picture(page, "try")
    assert page.complaints() == []
    assert all(url.startswith(real.url) for url in page.requested())


@needs_chromium
def test_a_screen_reader_has_names_for_everything(real: Running, page: Page) -> None:
    page.open(real.url)
    page.type("정치인들은 다 똑같다")
    page.press("Enter", 13, control=True)
    page.wait("document.querySelectorAll('#bars li').length === 9")
    assert page.names("textbox") == ["Text"]
    assert page.names("button") == ["Classify"]
    assert "Score of every label" in page.names("list")
    assert page.names("heading") == ["Try the classifier", "Labels"]
    assert page.evaluate("document.getElementById('said').getAttribute('role')") == "status"
    assert page.evaluate("document.documentElement.lang") == "en"


@needs_chromium
def test_markup_in_a_text_or_label_is_text(page: Page) -> None:
    labels = ["<img src=x onerror=alert(1)>", "fine"]
    model = fake_model(FakeBackend(labels=2), labels=labels, thresholds=dict.fromkeys(labels, 0.5))
    with running(model) as server:
        page.open(server.url)
        page.type("<script>alert(1)</script>")
        page.press("Enter", 13, control=True)
        page.wait("document.querySelectorAll('#bars li').length === 2")
        assert page.evaluate("document.querySelectorAll('img').length") == 0
        assert page.complaints() == []


@needs_chromium
def test_a_server_with_keys_is_tried_with_a_key(page: Page) -> None:
    with running(api_keys=(KEY,)) as server:
        page.open(server.url)
        page.wait("!document.getElementById('key-row').hidden")
        page.type("text")
        page.evaluate("document.getElementById('key').focus()")
        page.type(KEY)
        page.press("Enter", 13)
        page.evaluate("document.querySelector('button').click()")
        page.wait("document.querySelectorAll('#bars li').length === 3")


@needs_chromium
def test_an_error_is_said_in_words(page: Page) -> None:
    with running(max_requests=1) as server:
        page.open(server.url)
        server.service.door.enter()
        page.type("text")
        page.evaluate("document.querySelector('button').click()")
        page.wait("document.getElementById('said').className === 'wrong'")
        said = page.evaluate("document.getElementById('said').textContent")
        server.service.door.leave()
        assert "try again in 1 s" in said
        picture(page, "error")


@needs_chromium
def test_an_error_of_what_stands_before_the_server_is_said_in_words(page: Page) -> None:
    with running() as server:
        page.open(server.url)
        page.wait("document.getElementById('model').textContent.includes('3 labels')")
        page.type("text")
        page.evaluate("window.fetch = async () => new Response('<html>', { status: 502 }); 0")
        page.evaluate("document.querySelector('button').click()")
        page.wait("document.getElementById('said').className === 'wrong'")
        said = page.evaluate("document.getElementById('said').textContent")
        assert said == "the answer was 502, and not the server's own"


@needs_chromium
def test_a_text_of_any_length_is_pasted_whole_and_the_model_asked_for_once(page: Page) -> None:
    single = fake_model(problem_type="single_label", thresholds=None)
    with running(single, max_characters=30_000) as server:
        page.open(server.url)
        page.wait("document.getElementById('model').textContent.includes('one of 3')")
        page.type("a" * 30_001)
        page.evaluate("document.querySelector('button').click()")
        page.wait("document.getElementById('said').className === 'wrong'")
        said = page.evaluate("document.getElementById('said').textContent")
        assert "30001 characters, 30000 are allowed" in said
        assert server.metric("turnout_requests_total", path="/v1/model", status="200") == 1


@needs_chromium
def test_the_documentation_opens_without_script_or_complaint(real: Running, page: Page) -> None:
    page.open(f"{real.url}/docs")
    page.evaluate("document.querySelector('details').open = true")
    assert page.evaluate("document.querySelectorAll('details').length") == 13
    assert page.evaluate("document.scripts.length") == 0
    picture(page, "docs")
    assert page.complaints() == []


@needs_chromium
@pytest.mark.parametrize("width", [320, 1280])
def test_nothing_is_cut_off_on_narrow_or_wide_screens(
    real: Running, page: Page, width: int
) -> None:
    page.call(
        "Emulation.setDeviceMetricsOverride",
        width=width,
        height=800,
        deviceScaleFactor=1,
        mobile=False,
    )
    page.open(real.url)
    page.type("오늘 날씨가 참 좋네요")
    page.press("Enter", 13, control=True)
    page.wait("document.querySelectorAll('#bars li').length === 9")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    picture(page, f"width-{width}")
