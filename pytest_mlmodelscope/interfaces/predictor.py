"""The predictor: a model loaded in a worker's process.

Implementations live in ``frameworks/<name>/predictor.py``. They run in the framework's own
environment, so they may import the standard library, numpy and their framework only, in the
syntax of the oldest Python that the framework's file declares, and never this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NotRequired, Protocol, TypedDict


class OpenRequest(TypedDict):
    """What a framework is told when it is to load a model."""

    files: dict[str, str]
    """Role -> absolute path, as the manifest's ``assets`` assigns them; read-only."""
    options: dict[str, Any]
    """The framework's section of the manifest, checked against the framework's own schema."""
    inputs: list[dict[str, Any]]
    """Name, dtype and shape of each input, in the manifest's order."""
    outputs: list[dict[str, Any]]
    """Name, dtype and shape of each output, in the manifest's order."""
    threads: int | None
    """Intra-op threads; None leaves it to the framework, which then says what it took."""
    device: str
    """``cpu``, ``gpu`` or ``fpga``."""
    machine: NotRequired[str]
    """What the target calls the device, such as ``LFE5U-85F-6``."""
    precision: str
    """``fp32`` and so on: refuse what cannot be given, never take another silently."""
    kept: NotRequired[dict[str, str]]
    """What earlier workers ``built`` of this very model on such a device: name -> absolute path."""


class Predictor(Protocol):
    """A loaded model. Tensors are numpy arrays; text is a list of ``str``."""

    def predict(self, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        """All outputs by name, first axis in the order of the inputs'; complete on return.

        The clock stops when it returns, so a device that works on its own is waited for first: what is
        returned are values (arrays of numpy, lists), never promises, and nobody writes into them any more.
        The worker has held the inputs against the manifest's names, types and shapes before. They
        are not changed, and are the caller's again on return: copy what is to be kept. Outputs
        stay valid after the next call. Raises ValueError or TypeError (with a sentence) on an input
        that the model cannot take all the same.
        """

    def describe(self) -> Mapping[str, Any]:
        """At least ``framework``, ``version``, ``device``, ``threads`` and ``precision`` as they
        really are, and where known ``build``, ``libraries`` and ``parameters``.
        """

    def built(self) -> Mapping[str, Any]:
        """For frameworks that build something of a model which a later worker can take again: the bytes
        (arrays of ``uint8``) of what was built since this was asked last. The names say for what: two
        that are the same are good for each other.
        """

    def fit(self, inputs: Mapping[str, Any], labels: list[Any]) -> None:
        """Train on these items, for models that a manifest declares with ``fit``."""

    def count(self, figures: list[str], inputs: Mapping[str, Any]) -> Mapping[str, float]:
        """What a device or its tools tell of the model, by name, for frameworks that know such figures.

        ``inputs`` are one query, or empty where the claim names no data. There may be more than was asked
        for; ``seconds_of_`` a step goes into the record. ``evidence`` in what ``describe`` gives says of
        each figure whence it is, as *simulated*. Raises ValueError for a figure that it does not know.
        """


class Framework(Protocol):
    """The module ``predictor.py`` of a framework's folder."""

    def load(self, request: OpenRequest) -> Predictor:
        """Load the model. Raises any exception whose text explains why it cannot."""
