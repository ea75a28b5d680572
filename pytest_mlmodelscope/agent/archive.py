"""The worker's code as one small archive, which Python runs as it is."""

from __future__ import annotations

import functools
import io
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from pytest_mlmodelscope.core.framework import framework_spec
from pytest_mlmodelscope.core.registry import location, names

_PACKAGE: Final = "pytest_mlmodelscope"
_HOME: Final = Path(__file__).parent.parent


def recipe_archive(framework: str, script: Path) -> bytes:
    """The same, with a script and the modules beside it, which it may import."""
    beside = {f"recipe/{file.name}": file for file in sorted(script.parent.glob("*.py"))}
    return _zip(_texts(framework, None) | {place: file.read_bytes() for place, file in beside.items()})


@functools.cache
def archive(framework: str, folder: Path | None = None) -> bytes:
    """The worker, all scenarios, what frameworks share and one framework's folder, as a zip with a ``__main__``.

    ``folder`` is where the framework's ``predictor.py`` lies; by default its registered one. The
    packages in it are empty, so that nothing of the host is imported.
    """
    return _zip(_texts(framework, folder))


def _texts(framework: str, folder: Path | None) -> dict[str, bytes]:
    members = {"__main__.py": _HOME / "worker" / "__main__.py"}
    members |= _modules(_HOME / "worker", "worker")
    members |= _modules(_HOME / "frameworks", "frameworks")
    members |= _modules(folder or framework_spec(framework).folder, f"frameworks/{framework}")
    members |= _modules(_HOME / "scenarios", "scenarios")
    members |= {f"{_PACKAGE}/scenarios/{name}.py": _source("scenarios", name) for name in names("scenarios")}
    texts = {place: source.read_bytes() for place, source in members.items()}
    packages = ("", "worker/", "scenarios/", "frameworks/", f"frameworks/{framework}/")
    texts |= {f"{_PACKAGE}/{package}__init__.py": b"" for package in packages}
    return texts


def _modules(folder: Path, place: str) -> dict[str, Path]:
    return {f"{_PACKAGE}/{place}/{file.name}": file for file in sorted(folder.glob("*.py")) if file.stem[:2] != "__"}


def _source(group: str, name: str) -> Path:
    spec = find_spec(location(group, name).partition(":")[0])
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin)


def _zip(texts: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for place in sorted(texts):
            file.writestr(zipfile.ZipInfo(place), texts[place])
    return buffer.getvalue()
