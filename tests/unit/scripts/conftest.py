"""A checkout of a small project, and a Python as bare as Debian's."""

import shutil
import subprocess
import sys
from pathlib import Path

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


@pytest.fixture(scope="session")
def bare_python(tmp_path_factory):
    """This Python without ensurepip and without any package: what Debian's ``python3`` alone is."""
    prefix = tmp_path_factory.mktemp("bare")
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    library = prefix / "lib" / version
    library.mkdir(parents=True)
    for entry in Path(shutil.__file__).parent.iterdir():
        if entry.name not in {"ensurepip", "site-packages", "dist-packages", "sitecustomize.py"}:
            (library / entry.name).symlink_to(entry)
    binary = prefix / "bin" / version
    binary.parent.mkdir()
    # Python finds its library from where it really lies, so a link would not do.
    shutil.copy2(Path(sys.executable).resolve(), binary)
    found = subprocess.run([binary, "-c", "import shutil; print(shutil.__file__)"], capture_output=True, text=True)
    assert found.stdout.strip() == str(library / "shutil.py"), found.stderr
    return str(binary)
