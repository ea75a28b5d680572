"""Pictures of text, drawn when they are read: each block of lines in a text file is one, and its own label."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pytest_mlmodelscope.core.document import shown_path
from pytest_mlmodelscope.core.errors import DocumentError
from pytest_mlmodelscope.datasets._source import ASSET, ENCODING, path_of, text_of
from pytest_mlmodelscope.interfaces.dataset import Item

OPTIONS: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["asset", "font"],
    "properties": {
        "asset": {**ASSET, "description": "the name of an asset that is a text file; empty lines part its blocks"},
        "font": {**ASSET, "description": "the name of an asset that is a font, as FreeType reads it"},
        "size": {
            "description": "of the letters, in pixels (default: 32)",
            "type": "integer",
            "minimum": 4,
            "maximum": 400,
        },
        "angle": {
            "description": "degrees by which the text is turned, against the clock (default: 0)",
            "type": "number",
        },
        "encoding": ENCODING,
    },
}


def read(files: Mapping[str, Path], options: Mapping[str, Any]) -> Iterator[Item]:
    """One block an item: the input is a picture's bytes (PNG, black on white), the label the block, its lines parted
    by line breaks; the id is the block's number.

    Raises:
        DocumentError: there is no block, or the font cannot be read.
    """
    path, font = path_of(files, options["asset"]), path_of(files, options["font"])
    blocks = [block for block in _blocks(text_of(path, options.get("encoding", "utf-8"))) if block]
    if not blocks:
        raise DocumentError("holds no text to draw", where=shown_path(path))
    letters = _letters(font, options.get("size", 32))
    return (
        Item(str(number), _drawn(block, letters, options.get("angle", 0)), "\n".join(block))
        for number, block in enumerate(blocks, 1)
    )


def _blocks(text: str) -> Iterator[list[str]]:
    block: list[str] = []
    for line in [*text.splitlines(), ""]:
        if line.strip():
            block.append(line.strip())
        else:
            yield block
            block = []


def _letters(path: Path, size: int) -> Any:
    from PIL import ImageFont

    try:
        # The plain layout, which does not depend on libraries that a build of Pillow has or has not.
        return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)
    except OSError as error:
        raise DocumentError(f"is not a font that can be read: {error}", where=shown_path(path)) from None


def _drawn(lines: list[str], letters: Any, angle: float) -> bytes:
    from PIL import Image, ImageDraw

    text, margin = "\n".join(lines), int(letters.size)
    left, top, right, bottom = ImageDraw.Draw(Image.new("L", (1, 1))).multiline_textbbox((0, 0), text, letters)
    picture = Image.new("RGB", (round(right - left) + 2 * margin, round(bottom - top) + 2 * margin), "white")
    ImageDraw.Draw(picture).multiline_text((margin - left, margin - top), text, "black", letters)
    if angle:
        picture = picture.rotate(angle, Image.Resampling.BICUBIC, expand=True, fillcolor="white")
    held = io.BytesIO()
    picture.save(held, "PNG")
    return held.getvalue()
