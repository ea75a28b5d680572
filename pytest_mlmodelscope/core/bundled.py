"""Where the claims and manifests that come with the package lie."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent.parent


def bundled_root() -> Path:
    """The folder that holds ``claims/`` and ``manifests/``: inside an installed package, or the
    repository of an editable one.
    """
    installed = _PACKAGE / "bundled"
    return installed if installed.is_dir() else _PACKAGE.parent
