"""The versions of a package that an index has for this kind of machine."""

from __future__ import annotations

from packaging.tags import sys_tags
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from pytest_mlmodelscope.core.manifest import Asset
from pytest_mlmodelscope.manifest.sources.download import session
from pytest_mlmodelscope.manifest.sources.pypi import files_of


def releases(project: str) -> list[str]:
    """All versions with a wheel for this platform, whatever its Python, that were not withdrawn; in no order.

    Raises:
        AssetError: the index has no such package, or cannot be reached.
    """
    platforms = {tag.platform for tag in sys_tags()}
    files = files_of(project, session(), Asset(project, "", 0, "", where=project))
    found = {
        file.version: None
        for file in files
        if file.version and not file.is_yanked and file.package_type == "wheel" and _fits(file.filename, platforms)
    }
    return list(found)


def _fits(filename: str, platforms: set[str]) -> bool:
    try:
        tags = parse_wheel_filename(filename)[3]
    except InvalidWheelFilename:
        return False
    return any(tag.platform in platforms for tag in tags)
