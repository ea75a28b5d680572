"""What can be tried on a model with one click: items of the data that it was evaluated on, and things that are made."""

from __future__ import annotations

import functools
import io
import json
import math
import wave
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np

from pytest_mlmodelscope.core.document import read_document
from pytest_mlmodelscope.core.errors import MlmsError
from pytest_mlmodelscope.core.manifest import DatasetManifest, ModelManifest, Split
from pytest_mlmodelscope.core.registry import member
from pytest_mlmodelscope.library.intake import Wants
from pytest_mlmodelscope.library.shelf import Shelf
from pytest_mlmodelscope.manifest.cache import Cache
from pytest_mlmodelscope.manifest.data import texts
from pytest_mlmodelscope.manifest.fetch import Fetcher

#: Licences (SPDX) of data whose items may be shown to everybody.
PERMITTED: Final = frozenset(
    (
        *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC-BY-4.0", "CC0-1.0", "MIT", "PDDL-1.0", "Unlicense"),
        "LicenseRef-public-domain",
    )
)
#: Items of a dataset that are offered, and how far apart in its order: neighbours are often alike.
_ITEMS: Final = 3
_APART: Final = 1500
#: Characters of a text, bytes of a file, that are an example and not a library.
_LONGEST: Final = 4000
_LARGEST: Final = 2 * 2**20
_RATE: Final = 16_000
#: What scikit-learn's sklearn/datasets/images has, and of whom (by its README.txt).
_PHOTOGRAPHS: Final = (("a temple", "china.jpg", "danielbuechele"), ("a flower", "flower.jpg", "vultilion"))
#: Characters that a number takes.
_DIGITS: Final = 16


@dataclass(frozen=True, slots=True)
class Example:
    """``text`` goes into a text field; ``content`` is a file of the type ``media``, called ``file``. ``origin`` says
    what it is of.
    """

    name: str
    origin: str
    text: str = ""
    content: bytes = b""
    media: str = ""
    file: str = ""


def examples(shelf: Shelf, model: str, wants: Wants) -> tuple[Example, ...]:
    """What to try on a model: items of its data where they are here and may be shown, then what is made for any."""
    found = _of_data(shelf, model, wants)
    manifest = shelf.model(model)
    if wants == "picture" and manifest.task.startswith("text_") and _any_size(manifest):
        return (*found, _sign())
    if wants == "picture" and (found or not _any_size(manifest)):
        return found
    return (*found, *_MADE[wants]())


def _any_size(model: ModelManifest) -> bool:
    if model.stages:
        return any(_any_size(stage.model) for stage in model.stages if stage.of is None)
    return any(step.name == "resize" for given in model.inputs for step in given.steps)


# -- items of its data --------------------------------------------------------------------------


def _of_data(shelf: Shelf, model: str, wants: Wants) -> tuple[Example, ...]:
    use = next((found for name in _with_first_stage(shelf, model) if (found := shelf.data_of(name))), None)
    if use is None:
        return ()
    dataset = shelf.dataset(use.name)
    split = dataset.splits.get(use.split)
    if split is None:
        return ()
    make = _items if _may_be_shown(dataset) else _alike
    try:
        return _kept(dataset.path, use.split, wants, lambda: make(dataset, split, wants))
    except (MlmsError, OSError):
        return ()  # not here: nothing is fetched for an example


def _with_first_stage(shelf: Shelf, model: str) -> Iterator[str]:
    """A pipeline without data of its own takes what its first stage does."""
    yield model
    yield from (stage.model.name for stage in shelf.model(model).stages if stage.of is None)


def _may_be_shown(dataset: DatasetManifest) -> bool:
    """A note means that the licence does not speak of everything."""
    attributes = read_document(dataset.path).data.get("attributes", {})
    return dataset.license in PERMITTED and "license_note" not in attributes


@functools.cache
def _found() -> dict[tuple[Path, str, Wants], tuple[Example, ...]]:
    """The examples that were made, by where they come from: files are read once."""
    return {}


def _kept(path: Path, split: str, wants: Wants, make: Callable[[], Iterator[Example]]) -> tuple[Example, ...]:
    found = _found()
    if (path, split, wants) not in found:
        found[path, split, wants] = tuple(make())
    return found[path, split, wants]


def _files(dataset: DatasetManifest, split: Split) -> dict[str, Path]:
    fetcher = Fetcher(Cache(), offline=True)
    named = set(texts(split.options))
    return {name: fetcher.fetch(asset) for name, asset in dataset.assets.items() if name in named}


def _alike(dataset: DatasetManifest, split: Split, wants: Wants) -> Iterator[Example]:
    """A wave as long as an item is, where items themselves may not be shown."""
    if wants != "array":
        return
    first = next(iter(member("datasets", split.reader).read(_files(dataset, split), split.options)))
    shape = np.shape(first.input)
    if len(shape) == 1 and shape[0] <= _LONGEST:
        wave_of = np.round(np.sin(np.linspace(0, 4 * math.pi, shape[0])), 4).tolist()
        yield Example(
            "a sine wave", f"made for this page, as long as an item of {dataset.name}", text=json.dumps(wave_of)
        )


def _items(dataset: DatasetManifest, split: Split, wants: Wants) -> Iterator[Example]:
    files = _files(dataset, split)
    if wants == "audio":
        yield from _recordings(files, dataset)
        return
    items = member("datasets", split.reader).read(files, split.options)
    apart = min(_APART, max(1, split.items // _ITEMS))
    for item in islice(items, 0, _ITEMS * apart, apart):
        label = f", labelled {item.label}" if isinstance(item.label, str) else ""
        origin = f"{dataset.name}, item {item.id}{label} ({_licence(dataset)})"
        if (example := _FORMS[wants](item.input, origin)) is not None:
            yield example


def _recordings(files: Mapping[str, Path], dataset: DatasetManifest) -> Iterator[Example]:
    for root in files.values():
        for path in sorted(root.rglob("*.wav"))[:2] if root.is_dir() else [root]:
            if path.suffix == ".wav" and path.stat().st_size <= _LARGEST:
                origin = f"{dataset.name}, {path.name} ({_licence(dataset)})"
                yield Example("a recording", origin, content=path.read_bytes(), media="audio/wav", file=path.name)


def _licence(dataset: DatasetManifest) -> str:
    """Its name by SPDX; of those that SPDX has none for, what ours says."""
    ours = dataset.license.removeprefix("LicenseRef-")
    return dataset.license if ours == dataset.license else ours.replace("-", " ")


def _picture(given: Any, origin: str) -> Example | None:
    content = given.read_bytes() if isinstance(given, Path) else given
    if isinstance(given, np.ndarray):
        content = _png(given)
    if not isinstance(content, bytes) or len(content) > _LARGEST:
        return None
    png = content.startswith(b"\x89PNG")
    return Example(
        "a picture",
        origin,
        content=content,
        media="image/png" if png else "image/jpeg",
        file="example.png" if png else "example.jpg",
    )


def _png(pixels: Any) -> bytes | None:
    from PIL import Image

    plane = pixels[..., 0] if pixels.shape[2:] == (1,) else pixels
    if plane.dtype != np.uint8 or plane.ndim not in (2, 3):
        return None
    file = io.BytesIO()
    Image.fromarray(plane).save(file, "PNG")
    return file.getvalue()


def _text(given: Any, origin: str) -> Example | None:
    try:
        text = given.read_bytes() if isinstance(given, Path) else given
        text = text.decode() if isinstance(text, bytes) else text
    except UnicodeDecodeError:
        return None
    return Example("a text", origin, text=text[:_LONGEST]) if isinstance(text, str) else None


def _numbers(given: Any, origin: str) -> Example | None:
    text = json.dumps(np.asarray(given).tolist())
    return Example("an item", origin, text=text) if len(text) <= _LONGEST * _DIGITS else None


def _fields(given: Any, origin: str) -> Example | None:
    if not isinstance(given, Mapping):
        return None
    return Example("an item", origin, text=json.dumps({key: np.asarray(one).tolist() for key, one in given.items()}))


_FORMS: Final[Mapping[str, Callable[[Any, str], Example | None]]] = {
    "picture": _picture,
    "text": _text,
    "array": _numbers,
    "fields": _fields,
}

# -- what is made ------------------------------------------------------------------------------


def _sentences() -> tuple[Example, ...]:
    told = (
        ("an English sentence", "I really love how clear this little camera is!"),
        ("a French sentence", "Le petit chat boit du lait, puis il s'endort au soleil."),
        ("a line of Python", "for name in sorted(names):\n    print(name.upper())\n"),
    )
    return tuple(Example(name, "made for this page", text=text) for name, text in told)


def _sounds() -> tuple[Example, ...]:
    return (
        Example(
            "a sine wave",
            "one second of 440 Hz, made for this page",
            content=_wav(440.0),
            media="audio/wav",
            file="sine.wav",
        ),
        Example("silence", "one second, made for this page", content=_wav(0.0), media="audio/wav", file="silence.wav"),
    )


def _wav(hertz: float) -> bytes:
    file = io.BytesIO()
    samples = (0.5 * np.sin(2 * math.pi * hertz * np.arange(_RATE) / _RATE) * 32767).astype("<i2")
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(_RATE)
        sound.writeframes(samples.tobytes())
    return file.getvalue()


def _pictures() -> tuple[Example, ...]:
    """Two photographs that scikit-learn carries, and rings."""
    found = find_spec("sklearn")
    assert found is not None
    assert found.submodule_search_locations is not None  # the project depends on it
    folder = Path(found.submodule_search_locations[0], "datasets", "images")
    photographs = (
        Example(
            name,
            f"photograph by {author} (CC-BY-2.0), from scikit-learn",
            content=path.read_bytes(),
            media="image/jpeg",
            file=file,
        )
        for name, file, author in _PHOTOGRAPHS
        if (path := folder / file).is_file()
    )
    rings = Example("rings", "made for this page", content=_rings(), media="image/png", file="rings.png")
    return (*photographs, rings)


@functools.cache
def _rings() -> bytes:
    """Coloured rings: something that no model was trained on."""
    y, x = np.mgrid[-1:1:224j, -1:1:224j]
    radius = np.hypot(x, y)
    planes = [127.5 + 127.5 * np.cos(12 * radius + shift) for shift in (0.0, 2.1, 4.2)]
    return _png(np.stack(planes, axis=-1).astype(np.uint8)) or b""


@functools.cache
def _sign() -> Example:
    """Printed words, for models that find or read text."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (640, 400), "#f4efe2")
    draw = ImageDraw.Draw(image)
    draw.rectangle((24, 24, 616, 376), outline="#7a1f1f", width=6)
    for at, size, line in (
        (60, 64, "Museum of Tides"),
        (160, 40, "Open daily from 9:30"),
        (230, 40, "Last boat 17:45"),
    ):
        draw.text((320, at), line, "#26221c", ImageFont.load_default(size), anchor="ma")
    draw.text((320, 320), "Tickets 12.50, children free", "#7a1f1f", ImageFont.load_default(28), anchor="ma")
    file = io.BytesIO()
    image.save(file, "PNG")
    return Example("a sign", "made for this page", content=file.getvalue(), media="image/png", file="sign.png")


def _nothing() -> tuple[Example, ...]:
    return ()


_MADE: Final[Mapping[str, Callable[[], tuple[Example, ...]]]] = {
    "picture": _pictures,
    "text": _sentences,
    "audio": _sounds,
    "array": _nothing,
    "fields": _nothing,
}
