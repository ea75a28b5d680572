"""What workers built of models for a device, such as plans of TensorRT: kept for later workers.

A confined worker writes nowhere, so it hands over the bytes and the host keeps them, by a name that
says for what they are good. They are code of a worker's making, so they are used only for the model,
the device and the versions that they were built for, again in a confined worker, and only while they
have the bytes that were kept.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from pytest_mlmodelscope.core.errors import MlmsError
from pytest_mlmodelscope.manifest.cache import Cache

_NAME: Final = re.compile(r"[0-9a-f]{32}")


def key_of(*parts: Any) -> str:
    """The name of what is built of all these; they are JSON."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


class Engines:
    """The engines in a cache. A ``key`` is what the host knows of them, and below it a worker has names of its own."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def found(self, key: str) -> dict[str, str]:
        """Name -> path of all that were kept under a key; one that is damaged is dropped instead."""
        kept = [path.name for path in sorted((self._cache.root / "engines").glob(f"{key}-*"))]
        right = filter(self._is_right, kept)
        return {name.partition("-")[2]: str(self._cache.place("engines", name)) for name in right}

    def keep(self, key: str, built: Mapping[str, bytes], origin: str) -> None:
        """Keep what a worker built under a key; ``origin`` says in words what it is.

        Raises:
            MlmsError: it calls one by a name that is none.
        """
        for name, data in built.items():
            if not _NAME.fullmatch(name):
                raise MlmsError("the worker calls what it built by no name", expected="32 hexadecimal digits", got=name)
            self._keep(f"{key}-{name}", data, origin)

    def _keep(self, name: str, data: bytes, origin: str) -> None:
        with self._cache.lock(name), self._cache.scratch() as scratch:
            made = scratch / "engine"
            made.write_bytes(data)
            self._cache.keep("engines", name, made, hashlib.sha256(data).hexdigest(), origin)

    def _is_right(self, name: str) -> bool:
        with self._cache.lock(name):
            return self._cache.verify("engines", name)
