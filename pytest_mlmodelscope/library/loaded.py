"""A model that is loaded, and asked: the same for every framework and task."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final, Self

from pytest_mlmodelscope.claim.expand import requirement, use_of
from pytest_mlmodelscope.core.claim import Conditions, DataUse
from pytest_mlmodelscope.core.errors import AssetError, InputError, UsageError
from pytest_mlmodelscope.core.manifest import Split
from pytest_mlmodelscope.engine import unclaimed
from pytest_mlmodelscope.engine.bench import Bench, Settings, Stopwatch
from pytest_mlmodelscope.engine.sut import Sut
from pytest_mlmodelscope.interfaces.dataset import Item
from pytest_mlmodelscope.library.answers import Answer, Prediction
from pytest_mlmodelscope.library.choosing import refuse_other, usual_case
from pytest_mlmodelscope.library.intake import GIVEN_AS, Intake, Wants
from pytest_mlmodelscope.library.ranking import Ranking
from pytest_mlmodelscope.library.shelf import Shelf
from pytest_mlmodelscope.manifest.stages import front
from pytest_mlmodelscope.record.case import json_ready

#: Any that takes no data: what is measured of a model that is only asked.
_METRIC: Final = "file_size"
#: Queries before the first that is timed: frameworks build at the first what all later ones use, and PyTorch compiles
#: at the second what it saw at the first.
_WARM_UP: Final = 2
#: Inputs of one call.
MOST_INPUTS: Final = 1_000


def load(
    name: str,
    framework: str | None = None,
    target: str | None = None,
    *,
    data: str | None = None,
    shelf: Shelf | None = None,
    settings: Settings | None = None,
) -> Loaded:
    """Load a model into a process of its own, on a framework (``pytorch``, or with a version ``pytorch>=2``) and a
    target; without a framework, on the first of the model's that is at hand here, or that can be had; without a target,
    on the processor where the framework drives it.

    ``data`` is the dataset (``NAME/SPLIT``) that it is trained on where it is one that learns when it is loaded;
    by default that of the first claim about it. Close what is returned, or use it in a ``with``.

    Raises:
        DocumentError: there is no such model.
        UsageError: there is no such framework or target, or the model has it not.
        NotApplicable, EnvironmentUnavailable: it cannot run here; says what would change that.
        AssetError: a file of the model cannot be had.
        WorkerError: the framework cannot load it.
    """
    shelf = shelf or Shelf()
    bench = Bench(settings or Settings())
    try:
        return _loaded(bench, shelf, name, framework, target, data)
    except BaseException:  # an interruption too: nobody else could end its workers
        bench.close()
        raise


def predict(
    name: str, *inputs: Any, framework: str | None = None, target: str | None = None, top: int = 5, **how: Any
) -> Prediction:
    """Load a model, ask it about these inputs, and end it; ``how`` as for ``load``.

    Raises:
        MlmsError: as ``load`` and ``Loaded.predict`` do.
    """
    refuse_inputs(name, inputs, framework, how.get("shelf"))
    with load(name, framework, target, **how) as model:
        return model.predict(*inputs, top=top)


def refuse_inputs(name: str, inputs: Sequence[Any], framework: str | None = None, shelf: Shelf | None = None) -> None:
    """Refuse what a model does not take by its manifest alone, before anything of it is fetched or built.

    Raises:
        DocumentError, UsageError: there is no such model, or it has no such framework.
        InputError: an input is not what the model takes.
    """
    shelf = shelf or Shelf()
    model, data = shelf.model(name), shelf.data_of(name)
    if framework is not None:
        refuse_other(model, framework)
    use = use_of(model, requirement(framework)) if framework else next(iter(model.frameworks.values()))
    intake = Intake(front(model, use), _split(shelf, data))
    for number, given in enumerate(inputs, 1):
        intake.items(given, str(number))


class Loaded:
    """A model in a process of its own; of several threads that ask it one waits for the other. Close it, or use it in a
    ``with``.
    """

    def __init__(self, bench: Bench, sut: Sut, split: Split | None, steps: dict[str, float]) -> None:
        self._bench, self._sut = bench, sut
        self._before, self._after = sut.pipeline()
        case = sut.case
        self._intake = Intake(sut.inputs, split)
        logits = case.model.attributes.get("scores") == "logits"
        self._ranking = Ranking(self._after.output, sut.files, _classes(bench, sut), logits)
        self._software = bench.worker(sut).software
        self._warm = self._closed = False
        self._steps = steps
        self._turn = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """End its process; it cannot be asked any more."""
        self._closed = True
        self._bench.close()

    @property
    def wants(self) -> Wants:
        """What an input is, as its manifest tells: a picture, a text, a recording (``audio``), an array, or fields."""
        return self._intake.wants

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the fields of an input, where it has some."""
        return self._intake.fields

    @property
    def model(self) -> str:
        """Its name."""
        return self._sut.case.model.name

    @property
    def framework(self) -> str:
        """The framework that it runs on."""
        return self._sut.case.framework.name

    @property
    def version(self) -> str:
        """The version of that."""
        return str(self._software.get("version", self._sut.environment.version))

    @property
    def target(self) -> str:
        """The kind of machine that it runs on."""
        return self._sut.case.target

    def predict(self, *inputs: Any, top: int = 5, files: bool = True) -> Prediction:
        """What the model answers to each input: a path, bytes, a text, an array or a mapping, as ``wants`` says.

        Of a classifier the ``top`` likeliest labels are told. A text may be the path of a file where the model takes
        files, unless ``files`` is false: say so of what strangers send.

        Raises:
            InputError: an input is not what the model takes.
            UsageError: it is closed.
            WorkerError: the model failed; it is loaded anew for the next call.
        """
        if not 1 <= len(inputs) <= MOST_INPUTS:
            raise InputError(
                f"{len(inputs):,} inputs are given", expected=f"1 to {MOST_INPUTS:,}", hint=GIVEN_AS[self.wants]
            )
        if top < 1:
            raise UsageError(f"the {top} likeliest labels are asked for", expected="1 or more")
        with self._turn:
            return self._predicted(inputs, top, files)

    def _predicted(self, inputs: Sequence[Any], top: int, files: bool) -> Prediction:
        if self._closed:
            raise UsageError(f"{self.model} is closed", hint="load it anew, or ask it inside of the with")
        clock = Stopwatch()
        made = [self._intake.items(given, str(number), files) for number, given in enumerate(inputs, 1)]
        items = [item for parts, _ in made for item in parts]
        size = self._before.batch_size(None)
        asked = [self._ask(items[start : start + size], top, clock) for start in range(0, len(items), size)]
        answers = iter([answer for batch, _ in asked for answer in batch])
        steps, self._steps = {**self._steps, **clock.laps}, {}
        return Prediction(
            model=self.model,
            framework=self.framework,
            version=self.version,
            target=self.target,
            answers=tuple(_of_input(answers, len(parts), several) for parts, several in made),
            latency_s=sum(spent for _, spent in asked) / 1e9,
            steps=steps,
        )

    def _ask(self, items: Sequence[Item], top: int, clock: Stopwatch) -> tuple[list[Answer], int]:
        """The answers to one query, and the nanoseconds that the model took for it."""
        tensors = self._tensors(items)
        clock.lap("prepare")
        try:
            agent = self._bench.worker(self._sut).agent
            if not self._warm:
                for _ in range(_WARM_UP):
                    agent.predict(tensors)
                clock.lap("warm_up")
                self._warm = True
            outputs, spent = agent.predict(tensors)
        except BaseException:
            # A worker that failed, or whose answer nobody waited for, as after Ctrl-C, is not asked again.
            self._warm = False
            self._bench.close()
            raise
        clock.lap("predict")
        answers = self._decided(outputs, len(items), top)
        clock.lap("decide")
        return answers, spent

    def _tensors(self, items: Sequence[Item]) -> Mapping[str, Any]:
        """What the model is asked about these items; those of a pipeline are only held against its first stage."""
        if not self._sut.stages:
            return self._intake.tensors(self._before, items)
        before = self._sut.first.pipeline()[0]
        size = before.batch_size(None)
        for start in range(0, len(items), size):
            self._intake.tensors(before, items[start : start + size])
        return self._before.tensors(items)

    def _decided(self, outputs: Mapping[str, Any], count: int, top: int) -> list[Answer]:
        values, decided = self._after.values(outputs, count), self._after.predictions(outputs, count)
        return [
            Answer(json_ready(one), self._ranking.best(value, one, top), self._parts(outputs, number))
            for number, (value, one) in enumerate(zip(values, decided, strict=True))
        ]

    def _parts(self, outputs: Mapping[str, Any], number: int) -> dict[str, Any]:
        """What the stages of a pipeline decided of one item."""
        found: dict[str, Any] = json_ready({name: outputs[name][number] for name in self._sut.stages})
        return found


def _of_input(answers: Iterator[Answer], count: int, several: bool) -> Answer:
    """The answer to an input, which may be one to each of its parts."""
    found = [next(answers) for _ in range(count)]
    return Answer([one.value for one in found]) if several else found[0]


def _classes(bench: Bench, sut: Sut) -> Sequence[str]:
    """The names of the model's classes, where its manifest has them and they can be had."""
    given = sut.case.model.attributes.get("classes", ())
    if not isinstance(given, Mapping):
        return tuple(given)
    try:
        text = bench.model_file(sut, given["asset"]).read_text(encoding="utf-8")
    except AssetError:  # as without a network: then there are numbers
        return ()
    return tuple(map(str, json.loads(text) if text.lstrip().startswith("[") else text.splitlines()))


# -- which framework, which data ------------------------------------------------------------------------


def _loaded(
    bench: Bench, shelf: Shelf, name: str, framework: str | None, target: str | None, data: str | None
) -> Loaded:
    use = shelf.data_of(name) if data is None else _data_use(data)
    conditions = Conditions(precision=shelf.precision_of(name))
    case_of = partial(unclaimed.case_of, shelf.catalogue, name, _METRIC, conditions=conditions, name="predict")
    case = usual_case(shelf.model(name), framework, target, case_of, bench.at_hand)
    if "fit" in case.framework.options:
        if use is None:
            raise UsageError(f"{name} learns when it is loaded, and no data are named", hint='data="DATASET/SPLIT"')
        case = replace(case, dataset=shelf.dataset(use.name))
    sut, steps = bench.set_up(case)
    clock = Stopwatch()
    bench.worker(sut)
    clock.lap("open_model")
    return Loaded(bench, sut, _split(shelf, use), {**steps, **clock.laps})


def _data_use(text: str) -> DataUse:
    name, _, split = text.partition("/")
    return DataUse(name, split or "test")


def _split(shelf: Shelf, use: DataUse | None) -> Split | None:
    return None if use is None else shelf.dataset(use.name).splits.get(use.split)
