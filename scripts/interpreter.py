"""Finds a Python that is new enough; written so that every Python 3 can read it."""

import shutil
import subprocess
import sys

OLDEST = (3, 11)
NAMES = ("python3.13", "python3.12", "python3.14", "python3.11")
_CHECK = "import sys; sys.exit(sys.version_info < (%d, %d))" % OLDEST


def hand_over(script: str) -> None:
    """Runs `script` again under a newer Python when this one is too old; returns when it is not."""
    if sys.version_info >= OLDEST:
        return
    newer = find(NAMES)
    if newer is None:
        sys.exit(
            "needs Python %d.%d or later, found %s (%s); looked for python3.11 to python3.14 on PATH\n"
            "  try: install one (Debian: apt-get install python3), then run this again"
            % (OLDEST[0], OLDEST[1], sys.version.split()[0], sys.executable)
        )
    sys.exit(subprocess.call([newer, script] + sys.argv[1:]))


def find(names: "tuple[str, ...]") -> "str | None":
    """The first of `names` on PATH that starts and is new enough, else None."""
    for name in names:
        path = shutil.which(name)
        # A version manager's stand-in may be on PATH for a Python that is not installed.
        if path and subprocess.call([path, "-c", _CHECK], stderr=subprocess.DEVNULL) == 0:
            return path
    return None
