"""Arrays that are given to a model: numbers of a bearable size, in the type that its input declares."""

from __future__ import annotations

import io
import json
import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_mlmodelscope.core.errors import InputError
from pytest_mlmodelscope.core.manifest import Input
from pytest_mlmodelscope.library.content import MOST_BYTES, content, is_held, text

_NPY: Final = b"\x93NUMPY"


def array_of(given: Any) -> NDArray[Any]:
    """An array, of one or of nested lists, of JSON text of such lists, or of a file of either (``.npy``, JSON).

    Raises:
        InputError: they are none, or too many.
    """
    if is_held(given):
        held = content(given)
        return _checked(_of_npy(held) if held.startswith(_NPY) else parsed(held))
    return _checked(parsed(given) if isinstance(given, str) else given)


def parsed(given: Any) -> Any:
    """What JSON text holds.

    Raises:
        InputError: it is no JSON.
    """
    try:
        return json.loads(text(given))
    except (ValueError, RecursionError) as error:
        named = isinstance(given, str) and not given.lstrip().startswith(("[", "{"))
        what = "is neither a file that is here nor JSON" if named else "is not JSON"
        raise InputError(f"{what}: {error}", hint="numbers in nested lists, such as [[0, 1], [2, 3]]") from None


def _checked(given: Any) -> NDArray[Any]:
    try:
        found = np.asarray(given)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise InputError(f"is not an array: {error}", expected="numbers in nested lists of one length") from None
    if found.dtype.kind not in "biuf":
        raise InputError("is not an array of numbers", got=f"{type(given).__name__} of {found.dtype}")
    if not found.size:
        raise InputError("the array is empty", got=list(found.shape))
    if found.nbytes > MOST_BYTES:
        raise InputError("the array is too large", expected=f"at most {MOST_BYTES:,} bytes", got=f"{found.nbytes:,}")
    return found


def _of_npy(held: bytes) -> NDArray[Any]:
    file = io.BytesIO(held)
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
        # A header may promise more than the memory holds.
        if dtype.hasobject or math.prod(shape) * dtype.itemsize != len(held) - file.tell():
            raise InputError("is not a file of numbers", got=f"{dtype} of {list(shape)} in {len(held):,} bytes")
        file.seek(0)
        found: NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
    except ValueError as error:
        raise InputError(f"is not a .npy file that can be read: {error}") from None
    return found


def numbers(given: Any, spec: Input) -> NDArray[Any]:
    """An array for one input: of fractions in the input's own type; where no step changes it also otherwise of its
    type, and of its shape.

    Raises:
        InputError: it is not what the input declares.
    """
    found = array_of(given)
    if found.dtype.kind == "f" and np.dtype(spec.dtype).kind == "f":
        with np.errstate(over="ignore"):  # what is too large is refused as infinite
            found = found.astype(spec.dtype, copy=False)
    return found if spec.steps else _of_shape(_of_type(found, spec), spec)


def _of_type(found: NDArray[Any], spec: Input) -> NDArray[Any]:
    with np.errstate(invalid="ignore", over="ignore"):
        made = found.astype(spec.dtype, copy=False)
    if found.dtype.kind != "f" and np.dtype(spec.dtype).kind == "f":
        return made
    if not np.array_equal(made, found, equal_nan=found.dtype.kind == made.dtype.kind == "f"):
        raise InputError(
            f"the input {spec.name} cannot hold these numbers",
            expected=spec.dtype,
            got=f"{found.dtype} from {float(found.min()):g} to {float(found.max()):g}",
        )
    return made


def _of_shape(found: NDArray[Any], spec: Input) -> NDArray[Any]:
    shape = spec.shape[1:] if spec.batched else spec.shape
    fits = len(shape) == found.ndim and all(
        isinstance(want, str) or want == have for want, have in zip(shape, found.shape, strict=True)
    )
    if shape and not fits:
        raise InputError(f"the input {spec.name} takes another shape", expected=list(shape), got=list(found.shape))
    return found
