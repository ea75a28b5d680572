"""Records on their way to a hub: asked for first, signed, sent again where that may help."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from requests.adapters import HTTPAdapter
from urllib3 import BaseHTTPResponse, Retry

from pytest_mlmodelscope.core.errors import RemoteError, UsageError
from pytest_mlmodelscope.record.envelope import sign, written
from pytest_mlmodelscope.store.canonical import digest_of

Outcome = Literal["new", "there", "refused"]
#: Answers after which the same may go well a little later: too many requests, or a hub that is starting or falling.
_PASSING: Final = (429, 500, 502, 503, 504)
#: Seconds to connect, and to wait for an answer.
_PATIENCE: Final = (10, 120)
#: The longest that a hub may send us away for, in seconds.
_LONGEST_WAIT: Final = 120
_UNAUTHORISED: Final = (401, 403)
_PROBLEM: Final = "application/problem+json"
#: Seconds of waiting from which on it is said.
_WORTH_SAYING_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of one record: new on the hub, there already, or refused and why."""

    name: str
    digest: str
    outcome: Outcome
    why: str = ""


class Hub:
    """A hub that takes records. Close it to give its connections back."""

    def __init__(
        self,
        address: str,
        token: str | None = None,
        *,
        tries: int = 8,
        insecure: bool = False,
        told: Callable[[str], object] = lambda _: None,
    ) -> None:
        """``address`` as a browser would have it. A ``token`` is sent in the clear only to this machine, unless it
        may be ``insecure``; each request is made up to ``tries`` times, with a growing pause between, of which
        ``told`` is told.

        Raises:
            UsageError: it is no address, or no token, or the token would be sent in the clear.
        """
        self.address = _address(address)
        if token and not insecure and not _is_safe(self.address):
            raise UsageError(
                "the token would be sent in the clear", where=address, hint="use https://, or say --insecure"
            )
        self._session = requests.Session()
        self._session.auth = _Token(token)
        # A proxy is another machine, on the way to which others may read.
        self._session.trust_env = not _is_here(self.address)
        again = _Patience(
            total=tries,
            backoff_factor=0.2,
            status_forcelist=_PASSING,
            # A record that comes twice is there once, so that POST may be repeated, too.
            allowed_methods=None,
            redirect=0,
            raise_on_status=False,
            retry_after_max=_LONGEST_WAIT,
        )
        again.told = told
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=again))

    def __enter__(self) -> Hub:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Give its connections back."""
        self._session.close()

    def has(self, digest: str) -> bool:
        """Whether a record is there.

        Raises:
            RemoteError: the hub cannot be reached, or says neither.
        """
        answer = self._ask("HEAD", f"/api/records/{digest}")
        if answer.status_code not in (200, 404):
            raise self._odd(answer)
        if answer.status_code == 200 and f'"{digest}"' not in answer.headers.get("ETag", ""):
            raise self._no_hub()
        return answer.status_code == 200

    def push(self, name: str, record: Mapping[str, Any], key: Ed25519PrivateKey) -> Pushed:
        """Send one record, unless it is there.

        Raises:
            RemoteError: the hub cannot be reached, or takes nothing from whoever has this token.
            DocumentError: the record has no canonical JSON.
        """
        digest = digest_of(record)
        if self.has(digest):
            return Pushed(name, digest, "there")
        body = written(sign(record, key, to=self.address))
        answer = self._ask("POST", "/api/records", body)
        if answer.status_code in (200, 201):
            if _json(answer).get("digest") != digest:
                raise self._no_hub()
            return Pushed(name, digest, "new" if answer.status_code == 201 else "there")
        if not _is_of_record(answer):
            raise self._odd(answer)
        return Pushed(name, digest, "refused", _said(answer))

    def _ask(self, method: str, path: str, body: bytes | None = None) -> requests.Response:
        headers = {} if body is None else {"Content-Type": "application/json"}
        try:
            return self._session.request(
                method, self.address + path, data=body, headers=headers, timeout=_PATIENCE, allow_redirects=False
            )
        except requests.RequestException as error:
            what = f"the hub cannot be reached: {_reason(error)}"
            raise RemoteError(what, where=self.address, hint="push again: what is there is not sent again") from None

    def _odd(self, answer: requests.Response) -> RemoteError:
        hint = None
        if answer.status_code in _UNAUTHORISED:
            hint = "--token or MLMS_TOKEN: one that may write records"
        elif answer.is_redirect:
            hint = f"the token went nowhere else; if you trust it: --to {_plain(answer.headers['Location'])}"
        elif answer.status_code in _PASSING:
            hint = "push again: what is there is not sent again"
        return RemoteError(f"the hub does not take it: {_said(answer)}", where=self.address, hint=hint)

    def _no_hub(self) -> RemoteError:
        return RemoteError("what answers there is no hub", where=self.address, hint="mlms serve prints its address")


def push_all(hub: Hub, records: Iterable[tuple[str, Mapping[str, Any]]], key: Ed25519PrivateKey) -> Iterator[Pushed]:
    """Send records, each with a name for a person.

    Raises:
        RemoteError: as ``Hub.push``; those before it are there.
    """
    for name, record in records:
        yield hub.push(name, record, key)


class _Patience(Retry):
    """Says why it waits, and how long."""

    told: Callable[[str], object]

    def new(self, **changes: Any) -> _Patience:
        found = super().new(**changes)
        found.told = self.told
        return found

    def sleep(self, response: BaseHTTPResponse | None = None) -> None:
        seconds = (response and self.get_retry_after(response)) or self.get_backoff_time()
        if seconds >= _WORTH_SAYING_S:
            why = f"the hub says {response.status}" if response else "the hub cannot be reached"
            self.told(f"{why}: again in {seconds:.0f} s")
        super().sleep(response)


class _Token(requests.auth.AuthBase):
    """Sends a token; said to the library in this way, it asks no other file of the user for a password."""

    def __init__(self, token: str | None) -> None:
        self._token = (token or "").strip()
        # What the library would say of it has it in it.
        if not (self._token.isascii() and self._token.isprintable()) or " " in self._token:
            raise UsageError(
                "the token is none", expected="what `mlms token new` printed", hint="--token or MLMS_TOKEN"
            )

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _address(text: str) -> str:
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good or parts.query or parts.fragment or parts.username:
        raise UsageError(f'"{text}" is no address of a hub', expected="an address such as https://hub.example")
    return text.rstrip("/")


def _is_safe(address: str) -> bool:
    """Whether nobody on the way can read what is sent."""
    return urlsplit(address).scheme == "https" or _is_here(address)


def _is_here(address: str) -> bool:
    """Whether it is on this very machine."""
    host = urlsplit(address).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_of_record(answer: requests.Response) -> bool:
    """Whether a hub refuses this very record, and may take others. It does not where it asks for a token, or for
    another one (``WWW-Authenticate``, RFC 6750); nor where something else answers, which may be before the hub, and
    may say so only of what is too large.
    """
    if not 400 <= answer.status_code < 500 or answer.status_code in (401, *_PASSING):
        return False
    told = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return answer.status_code == 413 or (told == _PROBLEM and "WWW-Authenticate" not in answer.headers)


def _json(answer: requests.Response) -> dict[str, Any]:
    """The object in an answer; an empty one where there is none."""
    try:
        found = answer.json()
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _said(answer: requests.Response) -> str:
    """What a hub says of a refusal, as far as it is fit for a terminal."""
    found = _json(answer)
    text = str(found.get("detail") or found.get("title") or "")
    text += f" ({found['hint']})" if text and found.get("hint") else ""
    return f"{answer.status_code} {_plain(text or answer.reason or '')}".strip()


def _plain(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)[:500]


def _reason(error: Exception) -> str:
    text = str(getattr(error.args[0], "reason", error) if error.args else error)
    return text.rpartition(": ")[2][:300] or type(error).__name__
