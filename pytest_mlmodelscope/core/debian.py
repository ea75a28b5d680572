"""Debian's archive, as the package sources of this machine know it; nothing is fetched here."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

#: With what apt checks the signatures of Debian's archive.
KEYRING: Final = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
TOOLS: Final = ("apt-get", "apt-cache", "dpkg-deb")
_RELEASES: Final = re.compile(r"(old)*stable|testing|unstable|sid|bullseye|bookworm|trixie|forky|duke")
_FORMAT: Final = "$(REPO_URI) $(RELEASE) $(COMPONENT)"
_LISTED: Final = ("apt-get", "indextargets", "--no-release-info", "--format", _FORMAT, "Created-By: Packages")
_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Lacking:
    """What a machine has not, and what would change that."""

    what: str
    hint: str


def missing_tool() -> Lacking | None:
    """The first of Debian's tools that is not here."""
    for tool in TOOLS:
        if shutil.which(tool) is None:
            return Lacking(f"{tool} is not here", "run on Debian or a system made from it")
    return None


@functools.cache
def mirror() -> str | None:
    """The address that this machine has Debian's main archive from, whatever its release."""
    try:
        done = subprocess.run(_LISTED, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.SubprocessError):
        return None
    rows = (line.split(" ") for line in done.stdout.splitlines() if line.count(" ") == 2)
    return next((address for address, release, part in rows if part == "main" and _is_debian(address, release)), None)


def _is_debian(address: str, release: str) -> bool:
    """Others have releases of these names too, but their archive is not called so."""
    return _RELEASES.fullmatch(release) is not None and "debian" in address.rstrip("/").rpartition("/")[2]


def architecture() -> str:
    """What Debian calls the architecture of this machine; empty where this is no Debian."""
    try:
        done = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=False)  # noqa: S607
    except OSError:
        return ""
    return done.stdout.strip()
