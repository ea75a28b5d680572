"""How long the head of a request may be, held before it is kept: httptools itself reads on for ever."""

from __future__ import annotations

from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

#: Bytes of a request's first line and headers together, and of what may follow its body.
LONGEST: Final = 2**16


class BoundedHeads(HttpToolsProtocol):
    """HTTP as uvicorn speaks it; more than ``LONGEST`` bytes without a body or an end are answered with 400."""

    _unfinished = 0

    def data_received(self, data: bytes) -> None:
        """Some bytes of a connection."""
        self._unfinished += len(data)
        super().data_received(data)
        if self._unfinished > LONGEST and not self.transport.is_closing():
            self.send_400_response(f"The head of a request has at most {LONGEST} bytes.")

    def on_headers_complete(self) -> None:
        """The head has ended."""
        self._unfinished = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body has come."""
        self._unfinished = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request has ended."""
        self._unfinished = 0
        super().on_message_complete()
