"""What several kinds of test need."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest


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
