"""Pictures that are given to a model: looked at before they are decoded, so that none is larger than is bearable."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_mlmodelscope.core.errors import InputError
from pytest_mlmodelscope.core.manifest import Input
from pytest_mlmodelscope.library.arrays import array_of, numbers
from pytest_mlmodelscope.library.content import content, is_held

#: Pixels of one picture: more than a camera has, and 200 MB when they are decoded.
MOST_PIXELS: Final = 64 * 2**20
#: What is decoded by Pillow itself, and not by a program that it calls.
FORMATS: Final = ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM")
#: The number of EXIF's entry, and the least of its values at which a picture lies on its side.
_ORIENTATION: Final = 0x0112
_ON_ITS_SIDE: Final = 5
_AXES: Final = frozenset("HWC")


def encoded(given: Any) -> bytes:
    """The bytes of a picture, for a model that decodes it: of a file, of bytes, or of pixels [height, width] or
    [height, width, channels] from 0 to 255.

    Raises:
        InputError: it is none, or has too many pixels.
    """
    from PIL import Image

    held = content(given) if is_held(given) else _of_pixels(array_of(given))
    with _explained(), Image.open(io.BytesIO(held), formats=FORMATS) as image:
        _refuse_size(image.size)
        return held if _turned(image) == 1 else _as_png(_upright(image))


def size(given: Any) -> tuple[int, int] | None:
    """How many pixels a picture has across and down, held upright; None of what is no picture."""
    from PIL import Image

    if not is_held(given) or not _is_picture(held := content(given)):
        return None
    with Image.open(io.BytesIO(held), formats=FORMATS) as image:
        across, down = image.size
        return (down, across) if _turned(image) >= _ON_ITS_SIDE else (across, down)


def _turned(image: Any) -> int:
    """How the camera was held, by what it wrote into the picture (EXIF): 1 is upright."""
    found = image.getexif().get(_ORIENTATION, 1)
    return found if found in range(1, 9) else 1


def _upright(image: Any) -> Any:
    """The picture as a viewer shows it: models look at it as people do."""
    from PIL import ImageOps

    return image if _turned(image) == 1 else ImageOps.exif_transpose(image)


def _as_png(image: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)
    return file.getvalue()


def _of_pixels(pixels: NDArray[Any]) -> bytes:
    from PIL import Image

    whole = pixels.dtype.kind in "iu" and pixels.size and pixels.min() >= 0 and pixels.max() <= 255
    if not whole or pixels.ndim not in (2, 3) or pixels.shape[2:] not in ((), (1,), (3,), (4,)):
        raise InputError(
            "is not a picture",
            expected="whole numbers from 0 to 255 of [height, width] or [height, width, 3]",
            got=f"{pixels.dtype} of {list(pixels.shape)}",
        )
    _refuse_size((pixels.shape[1], pixels.shape[0]))
    plane = pixels[..., 0] if pixels.shape[2:] == (1,) else pixels
    return _as_png(Image.fromarray(plane.astype(np.uint8)))


def pixels(given: Any, spec: Input) -> NDArray[Any]:
    """The pixels of a picture, for a model that takes them as they are: grey or in colour as the input's axes say; of
    what is no picture, the numbers.

    Raises:
        InputError: it is neither, or a picture of another size than the model takes.
    """
    from PIL import Image

    if not is_held(given) or not _is_picture(held := content(given)):
        return numbers(given, spec)
    axes, lengths = _axes(spec)
    with _explained(), Image.open(io.BytesIO(held), formats=FORMATS) as image:
        _refuse_size(image.size)
        upright = _upright(image)
        wanted = (lengths.get("W", upright.size[0]), lengths.get("H", upright.size[1]))
        if upright.size != wanted:
            raise InputError(
                "the picture has another size than the model takes, and its manifest does not resize",
                expected=f"{wanted[0]} x {wanted[1]} pixels",
                got=f"{upright.size[0]} x {upright.size[1]}",
            )
        found = np.array(upright.convert("RGB" if lengths.get("C") == 3 else "L"))
    if "C" in axes and found.ndim == 2:
        found = found[..., None]
    order = ["HWC".index(axis) for axis in axes]
    return numbers(np.transpose(found, order), spec)


def is_of_pixels(spec: Input) -> bool:
    """Whether the items of an input are pixels: its layout has a height and a width."""
    return {"H", "W"} <= set(spec.layout or "")


def _is_picture(held: bytes) -> bool:
    from PIL import Image, UnidentifiedImageError

    try:
        Image.open(io.BytesIO(held), formats=FORMATS).close()
    except UnidentifiedImageError:
        return False
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return True
    return True


def _axes(spec: Input) -> tuple[str, dict[str, int]]:
    """The axes of an item as it comes, and the lengths that the input declares for them."""
    layout = spec.layout or ""
    first = next((step.options["from"] for step in spec.steps if step.name == "layout"), layout.removeprefix("N"))
    named = dict(zip(layout, spec.shape, strict=False))
    kept = {axis: length for axis, length in named.items() if axis in _AXES and isinstance(length, int)}
    resized = any(step.name in ("resize", "crop", "pad") for step in spec.steps)
    return first, {axis: length for axis, length in kept.items() if axis == "C" or not resized}


def _refuse_size(size: tuple[int, int]) -> None:
    if size[0] * size[1] > MOST_PIXELS:
        raise InputError(
            "the picture has too many pixels",
            expected=f"at most {MOST_PIXELS:,}",
            got=f"{size[0]:,} x {size[1]:,}",
            hint="make it smaller first",
        )


@contextmanager
def _explained() -> Iterator[None]:
    """What Pillow cannot read is a mistake of whoever gave it."""
    import warnings

    from PIL import Image

    try:
        with warnings.catch_warnings():
            # Sizes are refused by us.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            yield
    except Image.DecompressionBombError:
        raise InputError("the picture has too many pixels", expected=f"at most {MOST_PIXELS:,}") from None
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(f"is not a picture that can be read: {error}", expected=", ".join(FORMATS)) from None
