"""What a model takes, as its manifest tells: from what somebody gives to items, and from items to checked tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from pytest_mlmodelscope.core.errors import InputError, MlmsError, ModelError
from pytest_mlmodelscope.core.manifest import Input, Split
from pytest_mlmodelscope.core.registry import member
from pytest_mlmodelscope.interfaces.dataset import Item
from pytest_mlmodelscope.library import arrays, pictures, sounds
from pytest_mlmodelscope.library.content import as_path, content, is_held, text
from pytest_mlmodelscope.manifest.pipeline import Preparation

Wants = Literal["picture", "text", "audio", "array", "fields"]

#: What each kind is given as, for help and for messages.
GIVEN_AS: Final[Mapping[Wants, str]] = {
    "picture": "a picture: a file or its bytes, or pixels of [height, width, channels]",
    "text": "a text, or a file or bytes that hold it",
    "audio": "a recording: a wav file or its bytes, or samples from -1 to 1",
    "array": "numbers: an array, nested lists, JSON, or a .npy file",
    "fields": "a mapping of names to values, or JSON of one",
}


class Intake:
    """What the inputs of a model take; ``split`` is a part of the data that it is asked about elsewhere, where there
    is one.
    """

    def __init__(self, inputs: Sequence[Input], split: Split | None = None) -> None:
        self._inputs, self._split = inputs, split
        self._fed = [spec for spec in inputs if spec.constant is None]
        self._reads: str | None = None
        if self._fed and self._fed[0].steps:
            self._reads = getattr(member("steps", self._fed[0].steps[0].name), "READS", None)

    @property
    def wants(self) -> Wants:
        """What an input is."""
        if any(spec.field is not None for spec in self._fed):
            return "fields"
        first = self._fed[0] if self._fed else None
        if self._reads == "picture":
            return "picture"
        if self._reads or first is None or first.dtype == "string":
            return "text"
        if sounds.is_of_sound(self._split):
            return "audio"
        return "picture" if pictures.is_of_pixels(first) else "array"

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the fields, where an input has some."""
        return tuple(dict.fromkeys(spec.field for spec in self._fed if spec.field is not None))

    def items(self, given: Any, name: str, files: bool = True) -> tuple[list[Item], bool]:
        """The items of one input, and whether they are parts of it, as of a recording; with ``files`` a text may be the
        path of a file, where the model takes files.

        Raises:
            InputError: it is not what the model takes.
        """
        made = self._made(given, files)
        parts = isinstance(made, list)
        return [Item(f"{name}@{at}", one) for at, one in enumerate(made)] if parts else [Item(name, made)], parts

    def refuse(self, given: Any, files: bool = True) -> None:
        """Say of an input that the model does not take it, as far as the manifest alone tells: numbers go through its
        steps, unless one of them needs a file of the model. A picture that has to be decoded is only looked at.

        Raises:
            InputError: it is so; says which input it is of, what that expects and what it got.
        """
        items, _ = self.items(given, "1", files)
        if self._reads is not None or self.wants == "text":
            return
        needed = _NoFiles()
        try:
            self.tensors(Preparation(self._inputs, needed), items)
        except MlmsError:
            if not needed.asked:
                raise

    def _made(self, given: Any, files: bool) -> Any:
        wants = self.wants
        # A text is not the name of a file where the model takes texts.
        given = as_path(given, files and (wants != "text" or self._reads is not None)) or given
        if wants == "fields":
            return self._fields(given)
        if wants == "text":
            return self._text(given)
        if wants == "audio" and self._split is not None:
            return sounds.frames(given, self._split)
        return self._picture_or_numbers(given)

    def _text(self, given: Any) -> Any:
        if self._reads is None:
            return text(given)
        return content(given) if is_held(given) else text(given).encode()

    def _picture_or_numbers(self, given: Any) -> Any:
        if self._reads == "picture":
            if isinstance(given, str):
                what = "is an address, and nothing is fetched" if "://" in given[:200] else "there is no such file"
                raise InputError(what, where=given[:200], hint=GIVEN_AS["picture"])
            return pictures.encoded(given)
        take: Callable[[Any, Input], Any] = pictures.pixels if self.wants == "picture" else arrays.numbers
        return take(given, self._fed[0])

    def _fields(self, given: Any) -> dict[str, Any]:
        if isinstance(given, (str, bytes, Path)):
            given = arrays.parsed(given)
        missing = [name for name in self.fields if not isinstance(given, Mapping) or name not in given]
        if missing:
            got = ", ".join(map(str, given)) if isinstance(given, Mapping) else type(given).__name__
            raise InputError(f'the input has no field "{missing[0]}"', expected=", ".join(self.fields), got=got)
        return {name: given[name] for name in self.fields}

    def tensors(self, before: Preparation, items: Sequence[Item]) -> dict[str, Any]:
        """The tensors of items, all of whose numbers the model may be given.

        Raises:
            InputError: a step cannot take an item; or a number is none, or outside of what the manifest declares.
        """
        try:
            made = before.tensors(items)
        except ModelError as error:
            expected = error.expected or f"what the steps of the manifest make {self._declared()} of"
            hint = f"the model takes {GIVEN_AS[self.wants]}"
            raise InputError(error.what, expected=expected, got=error.got, hint=hint) from None
        for spec in self._fed:
            _refuse_numbers(spec, made[spec.name])
        return made

    def _declared(self) -> str:
        shapes = ((spec, list(spec.shape[1:] if spec.batched else spec.shape)) for spec in self._fed)
        return ", ".join(f"{spec.name} ({spec.dtype} of {shape})" for spec, shape in shapes)


class _NoFiles(dict[str, Path]):
    """No files of a model, and whether one was ``asked`` for."""

    asked = False

    def __contains__(self, name: object) -> bool:
        self.asked = True
        return False

    def __missing__(self, name: str) -> Path:
        self.asked = True
        raise KeyError(name)


def _refuse_numbers(spec: Input, tensor: Any) -> None:
    if not isinstance(tensor, np.ndarray) or tensor.dtype.kind not in "iuf" or not tensor.size:
        return
    low, high = float(tensor.min()), float(tensor.max())
    if not np.isfinite(low) or not np.isfinite(high):
        raise InputError(f"the input {spec.name} holds what is not a number", got=f"from {low:g} to {high:g}")
    domain = spec.domain
    least = low if domain is None or domain.low is None else domain.low
    most = high if domain is None or domain.high is None else domain.high
    if low < least or high > most:
        raise InputError(
            f"the input {spec.name} is outside of what the model's manifest declares",
            expected=f"from {least:g} to {most:g}",
            got=f"from {low:g} to {high:g}",
        )
