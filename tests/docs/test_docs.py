"""Every block of the documentation is true: documents are valid, commands run and print what is shown."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from blocks import failures

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "ARCHITECTURE.md", *ROOT.glob("docs/**/*.md")])


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the project as a reader has it: what git knows or would add, nothing that was built."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_block_is_true(document: Path, checkout: Path) -> None:
    assert failures(document, checkout) == []
