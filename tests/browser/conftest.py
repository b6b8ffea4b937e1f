"""A real Chromium against a real server on loopback."""

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from pyramid.router import Router
from waitress import wasyncore
from waitress.server import create_server

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    assert CHROMIUM, "Chromium is missing: `make test` says how to install it"
    arguments = [*ARGUMENTS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield launched
        launched.close()


@pytest.fixture
def address(app: Router) -> Iterator[str]:
    """Serve the application on a free port of loopback."""
    server = create_server(app, host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.task_dispatcher.shutdown()
    # Closed by the thread that waits on these sockets: it must not find one gone while it does.
    server.trigger.pull_trigger(lambda: wasyncore.close_all(server._map, ignore_all=True))
    thread.join(timeout=5)
    assert not thread.is_alive()


@pytest.fixture
def another(chromium: Browser, address: str) -> Iterator[Callable[[], BrowserContext]]:
    """Open one more browser, with cookies of its own."""
    opened: list[BrowserContext] = []

    def visitor() -> BrowserContext:
        made = chromium.new_context(
            base_url=address,
            viewport={"width": 1280, "height": 720},
            locale="ja-JP",
            timezone_id="Asia/Tokyo",
        )
        made.set_default_timeout(10_000)
        opened.append(made)
        return made

    yield visitor
    for made in opened:
        made.close()


@pytest.fixture
def context(another: Callable[[], BrowserContext]) -> BrowserContext:
    return another()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """Give a page that fails the test when a script or a style is refused or breaks."""
    opened = context.new_page()
    problems: list[str] = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
    yield opened
    ignored = ("the server responded with a status of",)
    assert [text for text in problems if not any(part in text for part in ignored)] == []


@pytest.fixture(scope="session")
def screenshots() -> Path:
    """Return the folder for pictures of pages (not committed)."""
    folder = Path(os.environ.get("SCREENSHOTS", "var/screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
