"""Downloads over HTTP that survive broken connections, and end when they should."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pytest_mlmodelscope.core.errors import AssetError, ChecksumError
from pytest_mlmodelscope.core.progress import Part

if TYPE_CHECKING:
    from requests import Response, Session

#: Seconds to connect, and to wait for the next bytes.
TIMEOUT: Final = (20.0, 60.0)
#: Broken connections in a row, without a byte more than ever before, until giving up.
ATTEMPTS: Final = 4
PAUSE_S: Final = 0.5
_CHUNK: Final = 1 << 18
_CERTIFICATES: Final = ("REQUESTS_CA_BUNDLE", "PIP_CERT", "SSL_CERT_FILE", "CURL_CA_BUNDLE")
_PARTIAL: Final = 206
_BUSY: Final = (429, 500, 502, 503, 504)
_WRONG_RANGE: Final = 416


def session() -> Session:
    """A session that retries what is worth it and trusts the certificates that pip is told of."""
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.util import Retry

    made = requests.Session()
    retries = Retry(total=ATTEMPTS, backoff_factor=PAUSE_S, status_forcelist=_BUSY, raise_on_status=False)
    for scheme in ("https://", "http://"):
        made.mount(scheme, HTTPAdapter(max_retries=retries))
    made.verify = next((os.environ[name] for name in _CERTIFICATES if os.environ.get(name)), True)
    # Bytes as they are kept there: a server that unpacks .gz files on the way would change them.
    made.headers["Accept-Encoding"] = "identity"
    return made


def download(
    address: str,
    target: Path,
    limit: int | None,
    progress: Callable[[str], None],
    connection: Session | None = None,
) -> Path:
    """Bring an address into ``target``, going on where an earlier try for it broke off.

    After ``limit`` bytes it is refused, because a stranger may send without end.

    Raises:
        AssetError: it cannot be had.
        ChecksumError: it is longer than ``limit``.
    """
    import requests
    from urllib3.exceptions import HTTPError

    part = _Part(target, address)
    connection = connection or session()
    most, failures = part.size, 0
    while True:
        try:
            _receive(connection, part, limit, progress)
            return part.finish()
        except requests.RequestException as error:  # has been tried several times
            raise _unreachable(address, error) from None
        except HTTPError as error:  # broke off midway
            failures = 0 if part.size > most else failures + 1
            most = max(most, part.size)
            if failures >= ATTEMPTS:
                raise _unreachable(address, error) from None
            time.sleep(PAUSE_S * failures)


def reachable(address: str) -> float:
    """Seconds until an address answers; what it would send is not received.

    Raises:
        AssetError: it does not, or refuses.
    """
    import requests

    begun = time.monotonic()
    try:
        with session().get(address, stream=True, timeout=TIMEOUT) as response:
            _refuse_status(response, address)
    except requests.RequestException as error:
        raise _unreachable(address, error) from None
    return time.monotonic() - begun


class _Part:
    """The bytes that have come so far, with what tells whether the rest still belongs to them."""

    def __init__(self, target: Path, address: str) -> None:
        self._target = target
        self.path = target.with_name(f"{target.name}.part")
        self._about = target.with_name(f"{target.name}.part.json")
        self.address = address
        if self._known().get("address") != address:
            self.restart()

    def _known(self) -> dict[str, Any]:
        try:
            known = json.loads(self._about.read_bytes())
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def restart(self) -> None:
        self.path.unlink(missing_ok=True)
        self._about.unlink(missing_ok=True)

    def headers(self) -> dict[str, str]:
        validator = self._known().get("validator")
        if not self.size or not validator:
            return {}
        return {"Range": f"bytes={self.size}-", "If-Range": validator}

    def begin(self, response: Response) -> None:
        """Take note of what this response is a part of, and drop bytes that it does not continue."""
        resumed = response.status_code == _PARTIAL and _starts_at(response) == self.size
        if not resumed:
            self.restart()
            tag = response.headers.get("ETag", "")
            validator = tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified")
            self._about.write_text(json.dumps({"address": self.address, "validator": validator}), encoding="utf-8")

    def finish(self) -> Path:
        self._about.unlink(missing_ok=True)
        return self.path.replace(self._target)


def _receive(connection: Session, part: _Part, limit: int | None, progress: Callable[[str], None]) -> None:
    with connection.get(part.address, headers=part.headers(), stream=True, timeout=TIMEOUT) as response:
        if response.status_code == _WRONG_RANGE:
            part.restart()
            return _receive(connection, part, limit, progress)
        _refuse_status(response, part.address)
        part.begin(response)
        total = part.size + int(response.headers.get("Content-Length") or 0)
        _refuse_length(total, limit, part)
        ticker = Ticker(shown(part.address), total, progress)
        with part.path.open("ab") as file:
            # The raw bytes: requests would unpack what the server declares to be packed.
            for chunk in response.raw.stream(_CHUNK, decode_content=False):
                file.write(chunk)
                ticker.at(file.tell())
                _refuse_length(file.tell(), limit, part)
    return None


def _starts_at(response: Response) -> int:
    first = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
    return int(first) if first.isdigit() else -1


def _refuse_status(response: Response, address: str) -> None:
    if not response.ok:
        raise AssetError(
            f"{shown(address)} answers {response.status_code} {response.reason or ''}".rstrip(),
            hint="check the address, or add `mirrors:` to the asset",
        )


def _refuse_length(length: int, limit: int | None, part: _Part) -> None:
    if limit is not None and length > limit:
        part.restart()
        raise ChecksumError(
            f"{shown(part.address)} is longer than the manifest says",
            expected=f"{limit} bytes",
            got=f"at least {length} bytes",
        )


def _unreachable(address: str, error: Exception) -> AssetError:
    return AssetError(
        f"{shown(address)} cannot be reached",
        got=_reason(error),
        hint="check the network, the proxy (HTTPS_PROXY) and the certificates (REQUESTS_CA_BUNDLE), then run again: "
        "what has come is kept",
    )


def _reason(error: Exception) -> str:
    """What went wrong at the bottom: the outer layers say only that there were retries."""
    inner: BaseException = error
    while True:
        deeper = getattr(inner, "reason", None) or inner.__cause__ or (inner.args[0] if inner.args else None)
        if not isinstance(deeper, BaseException):
            return str(inner) or type(inner).__name__
        inner = deeper


def shown(address: str) -> str:
    """An address without the password that it may hold."""
    scheme, separator, rest = address.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{separator}{host.rpartition('@')[2]}{slash}{path}"


class Ticker:
    """Says now and then how far a download is."""

    EVERY_S: Final = 3.0

    def __init__(self, what: str, total: int, progress: Callable[[str], None]) -> None:
        self._what, self._total, self._progress = what, total, progress
        self._next = time.monotonic() + self.EVERY_S

    def at(self, done: int) -> None:
        """``done`` bytes of the total are there."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + self.EVERY_S
            share = f" of {self._total / 1e6:.1f}" if self._total else ""
            self._progress(Part(f"fetching {self._what}: {done / 1e6:.1f}{share} MB", done, self._total))
