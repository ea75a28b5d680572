"""A checkout of a small project."""

import pytest

PYPROJECT = """
[project]
name = "small"
version = "1"
readme = "README.md"
license-files = ["LICENSE"]

[dependency-groups]
dev = ["one>=1", "two"]
build = ["three"]

[tool.hatch.build.targets.wheel]
packages = ["small"]

[tool.hatch.build.targets.wheel.force-include]
"claims" = "small/claims"
"""


@pytest.fixture
def root(tmp_path):
    """A checkout of a project called small."""
    folder = tmp_path / "checkout"
    for name, text in {
        "pyproject.toml": PYPROJECT,
        "constraints.txt": "one==1.0\n",
        "README.md": "small\n",
        "LICENSE": "free\n",
        "small/__init__.py": "",
        "claims/eld.yml": "schema: claim/1\n",
        "tests/test_small.py": "",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder
