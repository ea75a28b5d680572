"""Where another machine is: ``ssh://[USER@]HOST[:PORT]``."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

from pytest_mlmodelscope.core.errors import UsageError

SCHEME: Final = "ssh"
#: A name that begins with a dash would be an option of the ssh client.
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_HOST: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*|[0-9a-fA-F:.]+(%[A-Za-z0-9_.-]+)?")


def normal(text: str) -> str:
    """An address as it is compared and handed to the ssh client.

    ``HOST`` may be one that the user's own configuration of SSH names.

    Raises:
        UsageError: it is none.
    """
    try:
        parts, port = urlsplit(text), urlsplit(text).port
    except ValueError as error:
        raise _no_address(text, str(error)) from None
    if parts.scheme != SCHEME or not parts.hostname or not _HOST.fullmatch(parts.hostname):
        raise _no_address(text, text)
    if parts.username is not None and not _NAME.fullmatch(parts.username):
        raise _no_address(text, f"a user called {parts.username!r}")
    if (surplus := _surplus(parts)) is not None:
        raise _no_address(text, surplus)
    return _written(parts, port)


def _surplus(parts: SplitResult) -> str | None:
    """What an address has that no machine needs, in words."""
    if parts.password is not None:
        return "a password (ssh logs in by keys, without questions)"
    rest = f"{parts.path.strip('/')}{parts.query}{parts.fragment}"
    return f"more than a machine: {rest}" if rest else None


def _written(parts: SplitResult, port: int | None) -> str:
    # urlsplit writes names of hosts in lower case, and the configuration of SSH does not.
    host = parts.netloc.rpartition("@")[2]
    host = host if port is None else host.rpartition(":")[0]
    user = f"{parts.username}@" if parts.username else ""
    return f"{SCHEME}://{user}{host.rstrip(':')}" + ("" if port is None else f":{port}")


def _no_address(text: str, got: str) -> UsageError:
    return UsageError(
        f"{text} names no machine", expected="ssh://HOST, ssh://USER@HOST or ssh://USER@HOST:PORT", got=got
    )
