"""Takes the README's picture: ``python scripts/picture.py RECORD... [--page /matrix] [--out docs/images/matrix.webp]``.

The records (``mlms verify claims --record now.json``) go into a new database, a hub shows it, and Chromium takes the
page as it is on a desk's screen, without its head and foot. A WebP of more than 150 kB is refused: it is on the first
page that anybody reads.
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from pytest_mlmodelscope.store import runs
from pytest_mlmodelscope.store.database import Database

MOST_BYTES = 150_000
WIDTH, MARGIN, SHARPNESS = 1180, 14, 1.5


@contextmanager
def hub(records: Sequence[Path], folder: Path) -> Iterator[str]:
    """The address of a hub that shows these records and runs no jobs."""
    with Database(folder / "hub.sqlite") as database, database.writing() as session:
        for path in records:
            runs.add(session, json.loads(path.read_text(encoding="utf-8")))
    command = [Path(sys.executable).with_name("mlms"), "serve", "--port", "0", "--workers", "0"]
    serving = subprocess.Popen(
        [*map(str, command), "--database", str(folder / "hub.sqlite")], stdout=subprocess.PIPE, text=True
    )
    try:
        assert serving.stdout is not None
        yield serving.stdout.readline().split()[-1]
    finally:
        serving.terminate()
        serving.wait(30)


def taken(address: str) -> bytes:
    """What a page shows below its head, as PNG."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or "/usr/bin/chromium", args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": WIDTH, "height": 900}, device_scale_factor=SHARPNESS)
        page.goto(address)
        first, last = (
            page.locator(".shares, .two").first.bounding_box(),
            page.locator(".scroller, .chart").last.bounding_box(),
        )
        assert first is not None
        assert last is not None
        top, bottom = first["y"] - MARGIN, last["y"] + last["height"] + MARGIN
        shot = page.screenshot(clip={"x": 0, "y": top, "width": WIDTH, "height": bottom - top}, full_page=True)
        browser.close()
    return shot


def main() -> None:
    """Take it, and keep it where it is small enough."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("records", nargs="+", type=Path)
    asked.add_argument("--page", default="/matrix")
    asked.add_argument("--out", type=Path, default=Path("docs/images/matrix.webp"))
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder, hub(given.records, Path(folder)) as address:
        shot = taken(address + given.page)
    file = io.BytesIO()
    Image.open(io.BytesIO(shot)).convert("RGB").save(file, "WEBP", quality=80, method=6)
    if len(file.getvalue()) > MOST_BYTES:
        sys.exit(f"{len(file.getvalue()):,} bytes are too many: at most {MOST_BYTES:,}")
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_bytes(file.getvalue())
    sys.stdout.write(f"wrote {given.out}, {len(file.getvalue()):,} bytes\n")


if __name__ == "__main__":
    main()
