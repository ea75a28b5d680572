"""Recordings that are given to a model: of any usual wav file, brought to the rate of the model."""

from __future__ import annotations

import io
import wave
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_mlmodelscope.core.errors import InputError
from pytest_mlmodelscope.core.manifest import Split
from pytest_mlmodelscope.core.registry import member
from pytest_mlmodelscope.interfaces.step import StepContext
from pytest_mlmodelscope.library.arrays import array_of
from pytest_mlmodelscope.library.content import content, is_held

_RATES: Final = range(1_000, 400_001)
_RIFF: Final = b"RIFF"


def is_of_sound(split: Split | None) -> bool:
    """Whether the data of a model are recordings."""
    return split is not None and hasattr(member("datasets", split.reader), "framed")


def frames(given: Any, split: Split) -> list[NDArray[Any]] | NDArray[Any]:
    """The frames of a recording as the model's data have them, of a wav file or of samples in -1 to 1; a single frame
    where the samples are as many as one has.

    Raises:
        InputError: it is no sound, or shorter than a frame.
    """
    options = split.options
    if is_held(given) and (held := content(given)).startswith(_RIFF):
        sound = _resampled(*_wav(held), options["rate"])
    else:
        sound = _samples(given)
        if len(sound) == options.get("frame", 0) + options.get("context", 0):
            return sound
    found = [frame for _, frame in member("datasets", split.reader).framed(sound, options)]
    if not found:
        least = options.get("frame", 1) / options["rate"]
        raise InputError(
            "the recording is too short",
            expected=f"at least {least:g} s",
            got=f"{len(sound) / options['rate']:g} s",
        )
    return found


def _samples(given: Any) -> NDArray[np.float32]:
    found = array_of(given)
    if found.ndim != 1 or found.dtype.kind != "f":
        raise InputError(
            "is not a recording",
            expected="a wav file, or samples from -1 to 1 in one axis",
            got=f"{found.dtype} of {list(found.shape)}",
        )
    return found.astype(np.float32, copy=False)


def _wav(held: bytes) -> tuple[NDArray[np.float32], int]:
    """The samples of all channels together, in -1 to 1, and their rate."""
    try:
        with wave.open(io.BytesIO(held), "rb") as file:
            channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
            data = file.readframes(file.getnframes())
    except (wave.Error, EOFError, ValueError) as error:
        raise InputError(f"is not a wav file that can be read: {error}", hint="as 16-bit PCM it is one") from None
    if rate not in _RATES or width not in _SCALES or not 1 <= channels <= _MOST_CHANNELS:
        raise InputError(
            "is another kind of sound",
            expected=f"1 to {_MOST_CHANNELS} channels of 8, 16, 24 or 32 bits, {_RATES[0]:,} to {_RATES[-1]:,} Hz",
            got=f"{channels} channels of {8 * width} bits, {rate:,} Hz",
        )
    whole = len(data) // (width * channels) * width * channels
    sound = _numbers(data[:whole], width).reshape(-1, channels).mean(axis=1, dtype=np.float32)
    return sound.astype(np.float32, copy=False), rate


#: What a sample of so many bytes is divided by.
_SCALES: Final = {1: 2**7, 2: 2**15, 3: 2**23, 4: 2**31}
_MOST_CHANNELS: Final = 8


def _numbers(data: bytes, width: int) -> NDArray[np.float32]:
    if width == 1:  # the only one that counts from 0
        found = np.frombuffer(data, np.uint8).astype(np.float32) - 128
    elif width == 3:
        parts = np.frombuffer(data, np.uint8).reshape(-1, 3)
        whole = np.zeros((len(parts), 4), np.uint8)
        whole[:, 1:] = parts
        found = (whole.view("<i4").reshape(-1) >> 8).astype(np.float32)
    else:
        found = np.frombuffer(data, f"<i{width}").astype(np.float32)
    return found / np.float32(_SCALES[width])


def _resampled(sound: NDArray[np.float32], have: int, want: int) -> NDArray[np.float32]:
    if have == want or not len(sound):
        return sound
    made: NDArray[np.float32] = member("steps", "resample").make({"from": have, "to": want}, StepContext({}))(sound)
    return made
