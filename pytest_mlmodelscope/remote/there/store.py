"""Keeps folders that a host sent: each under a name that follows from its content, complete or not there.

    store.py look PLACE       whether it is there; the files on standard input (JSON: path to SHA-256) are hashed
    store.py take PLACE SIZE SHA256      unpack the tar archive on standard input there; then may follow
                              ``compile`` (for this Python) and ``replace`` (also what is whole)
    store.py list FOLDER      what is complete in a folder, and what is not
    store.py remove PLACE     delete it

Prints one line of JSON. A place is made in a folder beside it and moved, with a lock held.
"""

import compileall
import fcntl
import hashlib
import json
import os
import shutil
import sys
import tarfile
from contextlib import contextmanager
from typing import Any, Iterator

COMPLETE = "mlms-complete.json"
_CHUNK = 1 << 20


def main() -> None:
    """Do what the arguments say."""
    action, place = sys.argv[1:3]
    does = {"look": _look, "take": _take, "list": _list, "remove": _remove}  # type: Any
    try:
        json.dump(does[action](place, *sys.argv[3:]), sys.stdout)
    except OSError as error:
        sys.exit("%s cannot be kept: %s" % (error.filename or place, error.strerror))


def _look(place: str) -> "dict[str, Any]":
    """``state``: *complete*, *absent* or *damaged*; in the last case ``what`` is wrong."""
    wanted = json.loads(sys.stdin.read() or "{}")
    about = _about(place)
    if about is None:
        return {"state": "absent"}
    wrong = _wrong_files(place, wanted) or _wrong_size(place, about)
    return {"state": "damaged", "what": wrong} if wrong else {"state": "complete", "about": about}


def _wrong_files(place: str, wanted: "dict[str, str]") -> "str | None":
    for path, digest in sorted(wanted.items()):
        try:
            found = _digest(os.path.join(place, path))
        except OSError as error:
            return "%s: %s" % (path, error.strerror)
        if found != digest:
            return "%s has other bytes" % path
    return None


def _wrong_size(place: str, about: "dict[str, Any]") -> "str | None":
    files, size = _measured(place)
    if (files, size) == (about["files"], about["bytes"]):
        return None
    return "%d files with %d bytes, not %d with %d" % (files, size, about["files"], about["bytes"])


def _take(place: str, size: str, digest: str, *how: str) -> "dict[str, Any]":
    """``state``: *complete*, or *refused* with the reason in ``what``."""
    os.makedirs(os.path.dirname(place), exist_ok=True)
    with _locked(place):
        if "replace" not in how and (_about(place) or {}).get("sha256") == digest:
            # Another session was quicker, and may use it already.
            return {"state": "complete", "about": _about(place)}
        part = place + ".part"
        shutil.rmtree(part, ignore_errors=True)
        os.mkdir(part)
        try:
            wrong = _received(part + ".tar", int(size), digest)
            if wrong:
                return {"state": "refused", "what": wrong}
            _unpack(part + ".tar", part)
            _put(part, place, digest)
            if "compile" in how:
                # Workers cannot write there, and would compile everything anew each time.
                compileall.compile_dir(place, quiet=2, workers=0)
        finally:
            shutil.rmtree(part, ignore_errors=True)
            if os.path.exists(part + ".tar"):
                os.unlink(part + ".tar")
    return {"state": "complete", "about": _about(place)}


def _received(path: str, size: int, digest: str) -> "str | None":
    """Write what comes to a file; what is wrong with it, if anything."""
    hashed, got = hashlib.sha256(), 0
    with open(path, "wb") as file:
        while True:
            chunk = sys.stdin.buffer.read(_CHUNK)
            if not chunk:
                break
            file.write(chunk)
            hashed.update(chunk)
            got += len(chunk)
    if got != size:
        return "%d bytes came, not %d" % (got, size)
    return (
        None if hashed.hexdigest() == digest else "what came has the SHA-256 %s, not %s" % (hashed.hexdigest(), digest)
    )


def _unpack(path: str, folder: str) -> None:
    with tarfile.open(path) as archive:
        # The host made it and its checksum is right; newer Pythons want to be told what to do with it.
        if hasattr(tarfile, "fully_trusted_filter"):
            archive.extraction_filter = tarfile.fully_trusted_filter
        archive.extractall(folder)


def _put(part: str, place: str, digest: str) -> None:
    files, size = _measured(part)
    with open(os.path.join(part, COMPLETE), "w") as file:
        json.dump({"sha256": digest, "files": files, "bytes": size}, file)
    shutil.rmtree(place, ignore_errors=True)
    os.rename(part, place)


def _list(folder: str) -> "list[dict[str, Any]]":
    try:
        found = sorted(os.listdir(folder))
    except OSError:
        return []
    places = [name for name in found if os.path.isdir(os.path.join(folder, name))]
    return [{"name": name, "about": _about(os.path.join(folder, name))} for name in places]


def _remove(place: str) -> "dict[str, Any]":
    with _locked(place):
        shutil.rmtree(place, ignore_errors=True)
        shutil.rmtree(place + ".part", ignore_errors=True)
    return {"state": "absent"}


def _about(place: str) -> "dict[str, Any] | None":
    try:
        with open(os.path.join(place, COMPLETE)) as file:
            return json.load(file)  # type: ignore[no-any-return]
    except (OSError, ValueError):
        return None


def _measured(place: str) -> "tuple[int, int]":
    """How many files there are, and their bytes; caches of compiled code come later, and do not count."""
    files = size = 0
    for folder, _, names in os.walk(place):
        if os.path.basename(folder) == "__pycache__":
            continue
        for name in names:
            if name != COMPLETE:
                files += 1
                size += os.lstat(os.path.join(folder, name)).st_size
    return files, size


def _digest(path: str) -> str:
    hashed = hashlib.sha256()
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(_CHUNK), b""):
            hashed.update(chunk)
    return hashed.hexdigest()


@contextmanager
def _locked(place: str) -> "Iterator[None]":
    """Hold a place against others; whoever ends lets go of it, however that happens."""
    os.makedirs(os.path.dirname(place), exist_ok=True)
    with open(place + ".lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    main()
