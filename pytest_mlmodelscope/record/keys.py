"""The keys that records are signed with: one file each, in the user's own folder, which nobody else can read."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.record.envelope import fingerprint, public_pem

#: The name of a key where none is given.
USUAL: Final = "default"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class OwnKey:
    """A key pair of this user. ``public`` is PEM, ``fingerprint`` the SHA-256 of the public key's raw bytes."""

    name: str
    path: Path
    private: Ed25519PrivateKey

    @property
    def fingerprint(self) -> str:
        """What a hub knows it by."""
        return fingerprint(self.private.public_key())

    @property
    def public(self) -> str:
        """What a hub is given."""
        return public_pem(self.private.public_key())


def folder() -> Path:
    """Where this user's keys lie."""
    from platformdirs import user_config_path

    return user_config_path("mlmodelscope") / "keys"


def new(name: str = USUAL) -> OwnKey:
    """Make a key pair and keep it.

    Raises:
        UsageError: there is one of this name, or it cannot be kept.
    """
    path = _path(name)
    key = Ed25519PrivateKey.generate()
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Never over another one, and never readable by others, not even for a moment.
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise UsageError(
            f'there is a key called "{name}"', where=path, hint=f"mlms key show {name}, or give the new one a name"
        ) from None
    except OSError as error:
        raise UsageError(f"the key cannot be kept: {error.strerror}", where=path) from None
    return OwnKey(name, path, key)


def own(name: str = USUAL) -> OwnKey:
    """The key of a name.

    Raises:
        UsageError: there is none, others may read it, or the file holds no such key.
    """
    path = _path(name)
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        raw = path.read_bytes()
    except FileNotFoundError:
        raise UsageError(f'there is no key called "{name}"', where=path, hint="mlms key new") from None
    except OSError as error:
        raise UsageError(f"the key cannot be read: {error.strerror}", where=path) from None
    if mode & 0o077:
        raise UsageError(
            "others may read this private key",
            where=path,
            expected="mode 600",
            got=f"{mode:o}",
            hint=f"chmod 600 {path}",
        )
    return OwnKey(name, path, _private(raw, path))


def all_own() -> Iterator[OwnKey]:
    """All keys of this user, by name.

    Raises:
        UsageError: as ``own``.
    """
    for path in sorted(folder().glob("*.pem")):
        yield own(path.stem)


def _private(raw: bytes, path: Path) -> Ed25519PrivateKey:
    try:
        found = load_pem_private_key(raw, None)
    except (ValueError, TypeError):
        found = None
    if not isinstance(found, Ed25519PrivateKey):
        raise UsageError(
            "this is no private key", where=path, expected="an Ed25519 key (PEM)", hint="mlms key new NAME"
        )
    return found


def _path(name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise UsageError(f'"{name}" is no name of a key', expected="letters, digits, dots, hyphens and underscores")
    return folder() / f"{name}.pem"
