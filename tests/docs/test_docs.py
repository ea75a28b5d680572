"""Every block of the documentation is true: documents are valid, commands run and print what is shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from blocks import failures, starts_empty

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "ARCHITECTURE.md", *ROOT.glob("docs/**/*.md")])


@pytest.fixture
def project(document: Path, tmp_path: Path, copy_checkout) -> Path:
    """Where a reader of the document is: in an empty folder, or in a fresh checkout of the project."""
    if not starts_empty(document):
        copy_checkout(tmp_path)
    return tmp_path


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_block_is_true(document: Path, project: Path) -> None:
    found = failures(document, project)
    assert not found, "\n\n".join(found)
