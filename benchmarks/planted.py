"""Small models with the right steps before and after them, and faults that are planted there.

The models are trained here, on data that are made here or come with scikit-learn; they run in this process. Each
fault is a setup with one mistake (or two) beside the right one, and the mismatches that name it rightly.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pytest_mlmodelscope.cause.posterior import Aim
from pytest_mlmodelscope.cause.search import Answer, Question, search
from pytest_mlmodelscope.core.errors import ModelError
from pytest_mlmodelscope.core.manifest import Input, Output, Split, Step
from pytest_mlmodelscope.core.registry import member
from pytest_mlmodelscope.interfaces.dataset import Item
from pytest_mlmodelscope.interfaces.metric import ItemEvidence
from pytest_mlmodelscope.interfaces.mismatch import Setup
from pytest_mlmodelscope.manifest.pipeline import Decision, Preparation

Model = Callable[[Any], Any]


def step(name: str, **options: Any) -> Step:
    return Step(name, {key.rstrip("_"): value for key, value in options.items()})


@dataclass
class Planted:
    """A model in this process: a ``cause.subject.Subject``, with the setup that it was trained for."""

    name: str
    task: str
    model: Model
    data: Mapping[str, Sequence[Item]]
    right: Setup
    columns: Sequence[str] | None = None
    files: Mapping[str, Any] = field(default_factory=dict)
    batch: int | None = None
    kept: Mapping[str, Any] | None = None

    @property
    def splits(self) -> dict[str, Split]:
        return {
            name: dataclasses.replace(self.right.split, name=name, items=len(self.data[name])) for name in self.data
        }

    def read(self, split: Split) -> Sequence[Item]:
        items = self.data[split.name]
        order = split.options.get("columns", {}).get("input")
        if order is None or self.columns is None:
            return items
        places = [self.columns.index(one) for one in order]
        return [Item(item.id, [item.input[place] for place in places], item.label) for item in items]

    def ask(self, tensors: Mapping[str, Any]) -> Mapping[str, Any]:
        (given,) = tensors.values()
        try:
            return {self.right.outputs[0].name: self.model(given)}
        except ValueError as error:
            raise ModelError(str(error)) from error

    def trained(self, inputs: Sequence[Input]) -> str:  # noqa: ARG002
        return ""

    def header(self, split: Split) -> Sequence[str] | None:  # noqa: ARG002
        return self.columns

    def predictions(self, setup: Setup) -> list[Any]:
        """Of all items; what the model gave for them is kept."""
        before = Preparation(setup.inputs, {})
        after = Decision(setup.outputs, {}, before.batched)
        items, found, given = self.read(setup.split), [], []
        for start in range(0, len(items), 64):
            batch = items[start : start + 64]
            given.append(self.ask(before.tensors(batch)))
            found += after.predictions(given[-1], len(batch))
        self.kept = {name: np.concatenate([one[name] for one in given]) for name in given[0]}
        return found

    def figure(self, setup: Setup, predictions: Sequence[Any]) -> float:
        references = [item.label for item in self.read(setup.split)]
        return float(member("metrics", setup.metric).compute(ItemEvidence(predictions, references), setup.options))


@dataclass(frozen=True)
class Fault:
    """A wrong setup, and the mismatches any of which names what is wrong."""

    name: str
    setup: Setup
    named: tuple[str, ...]
    both: bool = False


@dataclass(frozen=True)
class Found:
    """What the search said of a fault."""

    planted: Planted
    fault: Fault
    published: float
    measured: float
    answer: Answer

    @property
    def kinds(self) -> tuple[str, ...]:
        """The mismatches that were named first: the likeliest kind of those that explain the figure."""
        shares: dict[tuple[str, ...], float] = {}
        for one in self.answer.best:
            shares[one.trial.kinds] = shares.get(one.trial.kinds, 0.0) + one.share
        return max(shares, key=lambda kinds: shares[kinds], default=())

    @property
    def is_right(self) -> bool:
        return bool(self.kinds) and all(kind in self.fault.named for kind in self.kinds)


def look(planted: Planted, fault: Fault, seconds: float = 30.0, digits: int = 1) -> Found:
    """Publish the right setup's figure, rounded to so many digits of percent, and explain the wrong one's."""
    right = planted.figure(planted.right, planted.predictions(planted.right))
    published = round(100 * right, digits) / 100
    known = planted.predictions(fault.setup)
    half = 0.5 * 10.0**-digits / 100
    items = len(known)
    aim = Aim(published, half, max(0.002, 0.75 / items))
    question = Question(fault.setup, aim, half, items, known, seconds)
    return Found(planted, fault, published, planted.figure(fault.setup, known), search(planted, question))


def _with(setup: Setup, before: Sequence[Step] | None = None, after: Sequence[Step] | None = None) -> Setup:
    inputs, outputs = setup.inputs, setup.outputs
    if before is not None:
        inputs = (dataclasses.replace(inputs[0], steps=tuple(before)), *inputs[1:])
    if after is not None:
        outputs = (dataclasses.replace(outputs[0], steps=tuple(after)), *outputs[1:])
    return dataclasses.replace(setup, inputs=inputs, outputs=outputs)


def _network(rows: Any, labels: Any, hidden: tuple[int, ...] = (32,)) -> Model:
    """A trained network as a function of rows to scores."""
    from sklearn.neural_network import MLPClassifier

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = MLPClassifier(hidden, max_iter=120, random_state=0).fit(rows, labels)
    return lambda given: np.log(made.predict_proba(given.reshape(len(given), -1)) + 1e-9).astype(np.float32)


def _trained(planted: Planted, hidden: tuple[int, ...] = (32,), classes: Sequence[Any] | None = None) -> Planted:
    """The same with a network trained on its training split, as the right setup prepares that."""
    items = planted.read(planted.splits["train"])
    (rows,) = Preparation(planted.right.inputs, {}).tensors(items).values()
    labels = [item.label if classes is None else classes.index(item.label) for item in items]
    planted.model = _network(rows.reshape(len(rows), -1), labels, hidden)
    return planted


def _no_model(given: Any) -> Any:
    raise NotImplementedError


# -- pictures -----------------------------------------------------------------------------------


def digits() -> tuple[Planted, list[Fault]]:
    """Handwritten digits in shades of grey, 8 by 8 pixels from 0 to 16."""
    from sklearn.datasets import load_digits

    data = load_digits()
    places = np.random.default_rng(1).permutation(len(data.target))
    items = [Item(str(place), data.images[place].astype(np.uint8), int(data.target[place])) for place in places]
    shape = Input("x", "float32", ("batch", 64), steps=(step("scale", divide=16), step("flatten")))
    right = Setup((shape,), (Output("scores", steps=(step("argmax"),)),), Split("test", 897, "idx"), "accuracy")
    planted = _trained(
        Planted("digits", "image_classification", _no_model, {"test": items[900:], "train": items[:900]}, right), (24,)
    )
    flat, best, scaled = step("flatten"), step("argmax"), step("scale", divide=16)
    shuffled = [int(text) for text in sorted(str(n) for n in range(10))][::-1]
    faults = [
        Fault("divided by 255 for 16", _with(right, [step("scale", divide=255), flat]), ("scale",)),
        Fault("not scaled", _with(right, [step("cast", dtype="float32"), flat]), ("scale",)),
        Fault("from -1 to 1", _with(right, [step("normalize", mean=8, std=8), flat]), ("scale", "mean_std")),
        Fault("scaled twice", _with(right, [scaled, scaled, flat]), ("scale",)),
        Fault(
            "transposed", _with(right, [scaled, step("layout", from_="HW", to="WH"), flat]), ("orientation", "layout")
        ),
        Fault("mirrored", _with(right, [scaled, step("flip", axis=1), flat]), ("orientation",)),
        Fault("upside down", _with(right, [step("flip", axis=0), scaled, flat]), ("orientation",)),
        Fault("inverted", _with(right, [step("normalize", mean=16, std=-1), scaled, flat]), ("polarity",)),
        Fault("MNIST's mean", _with(right, [scaled, step("normalize", mean=0.1307, std=0.3081), flat]), ("mean_std",)),
        Fault(
            "rounded",
            _with(right, [scaled, step("cast", dtype="uint8"), step("cast", dtype="float32"), flat]),
            ("rounding",),
        ),
        Fault("one class more", _with(right, None, [best, step("offset", by=1)]), ("label_offset",)),
        Fault("one class less", _with(right, None, [best, step("offset", by=-1)]), ("label_offset",)),
        Fault("classes shuffled", _with(right, None, [best, step("labels", names=shuffled)]), ("label_map",)),
        Fault("smallest score", _with(right, None, [step("scale", by=-1), best]), ("score_order",)),
        Fault("first class dropped", _with(right, None, [step("slice", start=1), best]), ("background_class",)),
        Fault("training split", dataclasses.replace(right, split=planted.splits["train"]), ("split",)),
        Fault(
            "inverted and one class more",
            _with(right, [step("normalize", mean=16, std=-1), scaled, flat], [best, step("offset", by=1)]),
            ("polarity", "label_offset", "label_map", "mean_std"),
            both=True,
        ),
    ]
    return planted, faults


def _scene(draw: np.random.Generator, label: int) -> Any:
    """A coloured shape on a noisy ground: what it is depends on its colour, its shape and its place."""
    high, wide = draw.integers(40, 90, 2)
    ground = draw.uniform(0, 255, 3) * 0.4 + 60
    picture = (
        np.tile(ground, (high, wide, 1)) + draw.normal(0, 18, (high, wide, 1)) + draw.normal(0, 10, (high, wide, 3))
    )
    colour = np.array([(230, 80, 60), (60, 90, 220), (90, 200, 80), (220, 200, 60)][label % 4]) + draw.normal(0, 45, 3)
    rows, columns = np.mgrid[0:high, 0:wide]
    y, x = high * (0.35 if label < 4 else 0.62) + draw.normal(0, 3), wide * draw.uniform(0.35, 0.65)
    radius = min(high, wide) * draw.uniform(0.14, 0.26)
    round_ = (rows - y) ** 2 + (columns - x) ** 2 < radius**2
    square = (abs(rows - y) < radius) & (abs(columns - x) < radius * 0.6)
    picture[round_ if label % 2 else square] = colour
    return np.clip(picture, 0, 255).astype(np.uint8)


IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}


def scenes(count: int = 1600) -> tuple[Planted, list[Fault]]:
    """Coloured pictures of several sizes: decoded, resized, cropped, normalised, channels first."""
    import io

    from PIL import Image

    draw = np.random.default_rng(2)

    def png(label: int) -> bytes:
        file = io.BytesIO()
        Image.fromarray(_scene(draw, label)).save(file, "PNG", compress_level=1)
        return file.getvalue()

    labels = draw.integers(0, 8, count)
    items = [Item(f"{n}.png", png(int(label)), int(label)) for n, label in enumerate(labels)]
    decode, resize, crop = step("decode"), step("resize", size=18, interpolation="bilinear"), step("crop", size=16)
    scaled, normal, first = (
        step("scale", divide=255),
        step("normalize", **IMAGENET),
        step("layout", from_="HWC", to="CHW"),
    )
    before = (decode, resize, crop, scaled, normal, first)
    spec = Input("image", "float32", ("batch", 3, 16, 16), layout="NCHW", steps=before)
    right = Setup(
        (spec,),
        (Output("scores", steps=(step("top_k", k=5),)),),
        Split("test", 800, "files"),
        "top_k_accuracy",
        {"k": 1},
    )
    half = count // 2
    planted = _trained(
        Planted("scenes", "image_classification", _no_model, {"test": items[half:], "train": items[:half]}, right),
        (48,),
    )

    def swapped(old: Step, *new: Step) -> Setup:
        return _with(right, [one for given in before for one in (new if given is old else (given,))])

    none = step("cast", dtype="float32")
    faults = [
        Fault("BGR", swapped(decode, step("decode", colour="BGR")), ("colour_order",)),
        Fault("grey", swapped(decode, decode, step("grey", channels=3)), ("grey_conversion",)),
        Fault("not scaled", swapped(scaled, none), ("scale", "mean_std")),
        Fault("scaled twice", swapped(scaled, scaled, scaled), ("scale", "mean_std")),
        Fault("not normalised", swapped(normal), ("mean_std",)),
        Fault("mean and deviation of 0.5", swapped(normal, step("normalize", mean=0.5, std=0.5)), ("mean_std",)),
        Fault("no deviation", swapped(normal, step("normalize", mean=IMAGENET["mean"], std=1)), ("mean_std",)),
        Fault(
            "mean in the order of BGR",
            swapped(normal, step("normalize", mean=IMAGENET["mean"][::-1], std=IMAGENET["std"][::-1])),
            ("mean_std",),
        ),
        Fault(
            "Caffe's mean",
            _with(right, [decode, resize, crop, step("normalize", mean=[123, 117, 104], std=1), first]),
            ("mean_std",),
        ),
        Fault(
            "squashed whole",
            _with(right, [decode, step("resize", size=[16, 16]), scaled, normal, first]),
            ("crop_ratio",),
        ),
        Fault("cropped without resizing", _with(right, [decode, crop, scaled, normal, first]), ("crop_ratio",)),
        Fault("cropped from 24", swapped(resize, step("resize", size=24)), ("crop_ratio",)),
        Fault("nearest", swapped(resize, step("resize", size=18, interpolation="nearest")), ("interpolation",)),
        Fault("without antialias", swapped(resize, step("resize", size=18, sampling="half_pixel")), ("interpolation",)),
        Fault("transposed", swapped(first, step("layout", from_="HWC", to="CWH")), ("orientation", "layout")),
        Fault("upside down", swapped(resize, step("flip", axis=0), resize), ("orientation",)),
        Fault("inverted", swapped(resize, step("normalize", mean=255, std=-1), resize), ("polarity", "mean_std")),
        Fault("JPEG of quality 10", swapped(decode, decode, step("jpeg", quality=10)), ("compression",)),
        Fault("rounded", swapped(first, first, step("cast", dtype="int8"), none), ("rounding",)),
        Fault("one class more", _with(right, None, [step("top_k", k=5), step("offset", by=1)]), ("label_offset",)),
        Fault("top 3 for top 1", dataclasses.replace(right, options={"k": 3}), ("guesses",)),
        Fault(
            "guesses from the end",
            _with(right, None, [step("top_k", k=5), step("reorder", order=[4, 3, 2, 1, 0])]),
            ("guesses",),
        ),
        Fault("smallest score", _with(right, None, [step("scale", by=-1), step("top_k", k=5)]), ("score_order",)),
        Fault(
            "BGR and not scaled",
            _with(right, [step("decode", colour="BGR"), resize, crop, none, normal, first]),
            ("colour_order", "scale", "mean_std"),
            both=True,
        ),
        Fault(
            "BGR and squashed whole",
            _with(right, [step("decode", colour="BGR"), step("resize", size=[16, 16]), scaled, normal, first]),
            ("colour_order", "crop_ratio"),
            both=True,
        ),
    ]
    return planted, faults


# -- sound, tables, text ------------------------------------------------------------------------


def tones() -> tuple[Planted, list[Fault]]:
    """Tones of eight kinds at 8 kHz, half a second each: a network on the spectrum of 400 samples."""
    draw = np.random.default_rng(3)
    time = np.arange(4000) / 8000

    def sound(label: int) -> Any:
        pitch = (300, 420, 590, 830)[label % 4] * draw.uniform(0.9, 1.1)
        phase, loud = draw.uniform(0, 6.28), draw.uniform(0.05, 0.6)
        wave = np.sin(2 * np.pi * pitch * time + phase)
        wave = np.sign(wave) * 0.7 if label >= 4 else wave
        return (loud * wave + draw.normal(0, 0.12, 4000)).astype(np.float32)

    labels = draw.integers(0, 8, 1200)
    items = [Item(str(n), sound(int(label)), str(int(label))) for n, label in enumerate(labels)]
    names = [str(n) for n in range(8)]
    spec = Input("sound", "float32", ("batch", 4000), steps=(step("scale", by=1.0),))
    after = (step("argmax"), step("labels", names=names))
    right = Setup((spec,), (Output("scores", steps=after),), Split("test", 600, "ucr"), "accuracy")
    planted = Planted("tones", "audio_classification", _no_model, {"test": items[600:], "train": items[:600]}, right)

    def spectrum(given: Any) -> Any:
        return np.log(np.abs(np.fft.rfft(given[:, :400], axis=1)).astype(np.float32) + 1.0)

    rows = np.stack([item.input for item in items[:600]])
    network = _network(spectrum(rows), [names.index(item.label) for item in items[:600]])
    planted.model = lambda given: network(spectrum(np.asarray(given, np.float32)))
    fit = step("fit_length", length=4000)
    faults = [
        Fault("16-bit whole numbers", _with(right, [step("scale", by=32768)]), ("scale",)),
        Fault("divided by 32768", _with(right, [step("scale", divide=32768)]), ("scale",)),
        Fault("peak of 1", _with(right, [step("standardize", to="unit_peak")]), ("feature_scaling",)),
        Fault("8 kHz taken for 16 kHz", _with(right, [step("resample", from_=16000, to=8000), fit]), ("sample_rate",)),
        Fault("brought to 11 kHz", _with(right, [step("resample", from_=8000, to=11025), fit]), ("sample_rate",)),
        Fault("brought to 16 kHz", _with(right, [step("resample", from_=8000, to=16000), fit]), ("sample_rate",)),
        Fault(
            "names in another order", _with(right, None, [after[0], step("labels", names=names[::-1])]), ("label_map",)
        ),
        Fault(
            "names one later",
            _with(right, None, [after[0], step("labels", names=[*names[1:], "0"])]),
            ("label_offset", "label_map"),
        ),
        Fault("smallest score", _with(right, None, [step("scale", by=-1), *after]), ("score_order",)),
    ]
    return planted, faults


def _table(name: str, data: Any, missing: float = 0.0) -> Planted:
    """A table of scikit-learn's as text with a header, its columns standardised by the training data."""
    draw = np.random.default_rng(4)
    places = draw.permutation(len(data.target))
    values = np.where(draw.random(data.data.shape) < missing, np.nan, data.data)
    items = [Item(str(n), [f"{value:.6g}" for value in values[n]], int(data.target[n])) for n in places]
    half = len(items) // 2
    columns = [str(one).replace(" ", "_") for one in data.feature_names]
    known = values[places[:half]]
    fill = np.nanmean(known, 0)
    filled = np.where(np.isnan(known), fill, known)
    before = [step("cast", dtype="float32")]
    before += [step("fill", value=fill.tolist())] if missing else []
    before.append(step("normalize", mean=filled.mean(0).tolist(), std=filled.std(0).tolist()))
    spec = Input("row", "float32", ("batch", len(columns)), steps=tuple(before))
    split = Split("test", len(items) - half, "table", {"header": True, "separator": ",", "columns": {"input": columns}})
    right = Setup((spec,), (Output("scores", steps=(step("argmax"),)),), split, "accuracy")
    planted = Planted(
        name, "tabular_classification", _no_model, {"test": items[half:], "train": items[:half]}, right, columns
    )
    return _trained(planted, (12,))


def _of_table(planted: Planted) -> Iterator[Fault]:
    right, columns = planted.right, list(planted.columns or ())
    cast, *fill, normal = right.inputs[0].steps
    plain = list(range(len(columns)))

    def ordered(order: Sequence[str]) -> Setup:
        options = {**right.split.options, "columns": {"input": list(order)}}
        return dataclasses.replace(right, split=dataclasses.replace(right.split, options=options))

    swapped = [plain[1], plain[0], *plain[2:]]
    yield Fault("not scaled", _with(right, [cast, *fill]), ("feature_scaling",))
    yield Fault("each row scaled", _with(right, [cast, *fill, step("standardize")]), ("feature_scaling",))
    yield Fault("columns of the alphabet", ordered(sorted(columns)), ("column_order",))
    yield Fault(
        "two columns exchanged", _with(right, [cast, step("reorder", order=swapped), *fill, normal]), ("column_order",)
    )
    yield Fault(
        "classes backwards",
        _with(
            right,
            None,
            [
                step("argmax"),
                step("labels", names=list(range(max(item.label for item in planted.data["test"]), -1, -1))),
            ],
        ),
        ("label_map",),
    )
    yield Fault(
        "one class more", _with(right, None, [step("argmax"), step("offset", by=1)]), ("label_offset", "label_map")
    )
    if fill:
        yield Fault("missing are 0", _with(right, [cast, step("fill", value=0), normal]), ("missing_values",))
        yield Fault("missing are -999", _with(right, [cast, step("fill", value=-999), normal]), ("missing_values",))


def wine() -> tuple[Planted, list[Fault]]:
    """Wines by 13 figures of theirs, some of which are missing."""
    from sklearn.datasets import load_breast_cancer

    planted = _table("tumours", load_breast_cancer(), missing=0.15)
    return planted, list(_of_table(planted))


def iris() -> tuple[Planted, list[Fault]]:
    """Flowers by 4 figures of theirs: few items, few columns."""
    from sklearn.datasets import load_wine

    planted = _table("wine", load_wine())
    return planted, list(_of_table(planted))


WORDS = {
    "sport": "goal team match player score league coach win season Cup Final Stadium",
    "money": "bank market stock price trade share profit bond Fund Euro Dollar Index",
    "food": "bread soup café crème sauté pâté salt sugar oven Chef Menu Bistro",
    "travel": "train hotel flight ticket beach island route map Paris Rome Zürich Köln",
}


def texts() -> tuple[Planted, list[Fault]]:
    """Short texts of four kinds, which are told by words as they are written, at any place."""
    draw = np.random.default_rng(5)
    common = [
        "the",
        "a",
        "of",
        "and",
        "to",
        "in",
        "is",
        "was",
        "for",
        "on",
        "with",
        "as",
        "by",
        "at",
        "from",
        "it",
        "that",
    ]
    topics = list(WORDS)

    def text(label: str) -> str:
        words = list(draw.choice(common, 40))
        other = topics[draw.integers(4)]
        for topic, count in ((label, 3), (other, 2)):
            for place in draw.choice(40, count, replace=False):
                words[place] = str(draw.choice(WORDS[topic].split()))
        return " ".join(words)

    labels = [topics[n] for n in draw.integers(0, 4, 1600)]
    items = [Item(str(n), text(label), label) for n, label in enumerate(labels)]
    names = sorted(topics)
    vocabulary = sorted({word for words in WORDS.values() for word in words.split()})
    spec = Input("text", "string", ("batch",))
    right = Setup(
        (spec,),
        (Output("scores", steps=(step("argmax"), step("labels", names=names))),),
        Split("test", 800, "table", {"columns": {"input": 0}}),
        "accuracy",
    )
    planted = Planted("texts", "text_classification", _no_model, {"test": items[800:], "train": items[:800]}, right)

    def counted(given: Sequence[str]) -> Any:
        return np.array([[one.split(" ").count(word) for word in vocabulary] for one in given], np.float32)

    network = _network(counted([item.input for item in items[:800]]), [names.index(item.label) for item in items[:800]])
    planted.model = lambda given: network(counted(given))
    after = right.outputs[0].steps
    faults = [
        Fault("lower-case", _with(right, [step("lowercase")]), ("text_form",)),
        Fault("upper-case", _with(right, [step("clean_text", case="upper")]), ("text_form",)),
        Fault("no accents", _with(right, [step("clean_text", accents="drop")]), ("text_form",)),
        Fault("decomposed", _with(right, [step("clean_text", form="NFD")]), ("text_form",)),
        Fault("cut to 100", _with(right, [step("truncate_text", characters=100)]), ("text_length",)),
        Fault("last 100", _with(right, [step("slice", start=-100)]), ("text_length",)),
        Fault("names in another order", _with(right, None, [after[0], step("labels", names=topics)]), ("label_map",)),
        Fault("smallest score", _with(right, None, [step("scale", by=-1), *after]), ("score_order",)),
        Fault(
            "lower-case and cut",
            _with(right, [step("lowercase"), step("truncate_text", characters=100)]),
            ("text_form", "text_length"),
            both=True,
        ),
    ]
    return planted, faults


ALL: Sequence[Callable[[], tuple[Planted, list[Fault]]]] = (digits, scenes, tones, wine, iris, texts)
