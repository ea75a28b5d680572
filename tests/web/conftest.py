"""A running hub, a real Chromium, and what the tests of every page ask of a page.

A test opens pages with ``page`` (as wide as a desk's screen, light), ``open_page`` (any other way) or ``any_page``
(the test runs four times: desk and phone, light and dark). What a browser complains about while a test runs - an
error of a script, a file that is not there, something that the policy of content forbids - fails the test at its
end. ``accessible(page)`` and ``fits(page)`` fail with what is wrong and where.
"""

from __future__ import annotations

import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import axe_playwright_python
import kept_runs
import pytest
import sights
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from pytest_mlmodelscope.library.shelf import Shelf
from pytest_mlmodelscope.store.database import Database

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
    # A camera and a microphone that are always there, and that nobody has to allow.
    *("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"),
]
SIZES = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}
#: How long a page may take on a machine that others use too.
PATIENCE_MS = 30_000
expect.set_options(timeout=PATIENCE_MS)
#: What axe calls the rules of WCAG 2.2 A and AA, and its own advice.
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
SERVING = Path(__file__).with_name("serving.py")


@pytest.fixture(scope="session")
def hub_folder(tmp_path_factory, write_digits) -> Path:
    """What the hub has: the manifests of two small models that run at once, and its database."""
    folder = write_digits(tmp_path_factory.mktemp("hub"))
    sights.write_model(folder)
    return folder


@pytest.fixture(scope="session")
def hub_shelf(hub_folder) -> Shelf:
    """The hub's models and claims: the bundled ones, ``digits-means`` and ``digits-seen``."""
    return Shelf([hub_folder / "manifests"])


@pytest.fixture(scope="session")
def hub_runs(hub_folder, hub_shelf) -> list[str]:
    """The digests of the records in the hub's database, the oldest first (``kept_runs``)."""
    with Database(hub_folder / "hub.sqlite") as database:
        return kept_runs.keep(database, hub_shelf)


@pytest.fixture(scope="session")
def hub_address(hub_folder, hub_runs) -> Iterator[str]:
    """The address of a running hub: a process of its own on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        # Who connects before the hub is ready waits in the queue of the socket: there is nothing to poll.
        port, said = listening.getsockname()[1], hub_folder / "hub.log"
        command = [
            sys.executable,
            SERVING,
            str(listening.fileno()),
            hub_folder / "hub.sqlite",
            hub_folder / "manifests",
        ]
        with said.open("w") as log:
            hub = subprocess.Popen(command, pass_fds=[listening.fileno()], stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        with urllib.request.urlopen(address, timeout=60) as answer:
            assert answer.status == 200
        yield address
    except OSError as error:
        pytest.fail(f"the hub does not answer: {error}\n{said.read_text()}", pytrace=False)
    finally:
        hub.send_signal(signal.SIGINT)
        try:
            hub.wait(20)
        except subprocess.TimeoutExpired:
            hub.kill()
            hub.wait()
    assert "Traceback" not in (told := said.read_text()), told


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium, for all tests of this folder."""
    if not Path(CHROMIUM).exists():
        pytest.fail("there is no Chromium here\n  try: apt-get install chromium (see CONTRIBUTING.md)", pytrace=False)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def open_page(browser, hub_address) -> Iterator[Callable[..., Page]]:
    """Opens a page of the hub in a fresh profile:
    ``open_page("/models", size="phone", dark=True, script=False, may_say="404")``.

    ``may_say`` is a regular expression of complaints that this test expects.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_one(path="", *, size="desktop", dark=False, script=True, may_say=None, **more: Any) -> Page:
        context = browser.new_context(
            base_url=hub_address,
            viewport=SIZES[size],
            is_mobile=size == "phone",
            has_touch=size == "phone",
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            java_script_enabled=script,
            **more,
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()

        def hear(complaint: str) -> None:
            if may_say is None or not re.search(may_say, complaint):
                complaints.append(f"{page.url}: {complaint}")

        page.on("console", lambda said: hear(f"{said.text} ({said.location})") if said.type == "error" else None)
        page.on("pageerror", lambda error: hear(f"{error.message}\n{error.stack}"))
        if path:
            page.goto(path)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert not complaints, "the browser complains:\n" + "\n".join(complaints)


@pytest.fixture
def page(open_page) -> Page:
    """A page of a desk's screen, in light colours: ``page.goto("/models")``."""
    return open_page()


@pytest.fixture(params=["desktop-light", "desktop-dark", "phone-light", "phone-dark"])
def any_page(request, open_page) -> Page:
    """A page of every size and in every colour scheme that the hub is made for."""
    size, _, scheme = request.param.partition("-")
    return open_page(size=size, dark=scheme == "dark")


@pytest.fixture(scope="session")
def accessible() -> Callable[[Page], None]:
    """``accessible(page)`` fails where axe finds anything, and says what, where and why."""
    source = AXE.read_text(encoding="utf-8")

    def check(page: Page, *, but_for: tuple[str, ...] = ()) -> None:
        options = {
            "runOnly": list(RULES),
            "resultTypes": ["violations"],
            "rules": {r: {"enabled": False} for r in but_for},
        }
        tools = page.context.new_cdp_session(page)
        # The tools of the browser are not bound to the page's policy of content, which would forbid this script.
        tools.send("Runtime.evaluate", {"expression": source})
        asked = {
            "expression": f"axe.run(document, {options!r})".replace("False", "false"),
            "awaitPromise": True,
            "returnByValue": True,
        }
        found = tools.send("Runtime.evaluate", asked)
        tools.detach()
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        violations = found["result"]["value"]["violations"]
        assert not violations, f"{page.url} is not accessible:\n" + "\n".join(map(_told, violations))

    return check


def _told(violation: dict[str, Any]) -> str:
    lines = [f"{violation['id']} ({violation['impact']}): {violation['help']}, {violation['helpUrl']}"]
    for node in violation["nodes"]:
        why = " ".join(node["failureSummary"].split())
        lines.append(f"  {' '.join(map(str, node['target']))}\n    {node['html'][:200]}\n    {why}")
    return "\n".join(lines)


@pytest.fixture(scope="session")
def fits() -> Callable[[Page], None]:
    """``fits(page)`` fails where a page is wider than the screen, and names what stands out."""
    wider = """() => {
        const width = Math.min(document.documentElement.clientWidth, screen.width);
        if (document.documentElement.scrollWidth <= width) return [];
        // What an element holds may stand out where its own box does not; what it scrolls by itself does not count.
        const end = (element) => {
            const box = element.getBoundingClientRect();
            const spills = getComputedStyle(element).overflowX === "visible";
            return Math.max(box.right, spills ? box.left + element.scrollWidth : 0);
        };
        return [...document.querySelectorAll("body *")]
            .filter((element) => end(element) > width + 1)
            .map((element) => `<${element.tagName.toLowerCase()} class="${element.className}"> `
                + element.textContent.trim().slice(0, 40));
    }"""

    def check(page: Page) -> None:
        outside = page.evaluate(wider)
        assert not outside, f"{page.url} is wider than the screen: " + "; ".join(outside[:8])

    return check
