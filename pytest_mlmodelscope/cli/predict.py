"""``mlms predict``: a model asked, on one framework or on several side by side."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import click

from pytest_mlmodelscope.cli import completing
from pytest_mlmodelscope.cli.console import examples, json_option, print_json, table
from pytest_mlmodelscope.cli.listing import manifests_option
from pytest_mlmodelscope.cli.progress import progress
from pytest_mlmodelscope.core.errors import EnvironmentUnavailable, MlmsError, NotApplicable, WorkerError
from pytest_mlmodelscope.engine.bench import Settings
from pytest_mlmodelscope.library.answers import Answer, Prediction
from pytest_mlmodelscope.library.content import MOST_BYTES
from pytest_mlmodelscope.library.loaded import Loaded, load, refuse_inputs
from pytest_mlmodelscope.library.shelf import Shelf

#: Characters of an input and of an answer in a table, and numbers of a long one.
_NAME: Final = 30
_CELL: Final = 60
_NUMBERS: Final = 4


@click.command(
    epilog=examples(
        "mlms predict squeezenet-1.1 cat.jpg",
        "mlms predict squeezenet-1.1 cat.jpg --framework caffe2,onnxruntime,tensorflow",
        'mlms predict eld-l "Where is the station?"',
        "mlms predict magika - --json < page.html",
    )
)
@click.argument("model", shell_complete=completing.models)
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option(
    "--framework",
    metavar="NAME,NAME...",
    shell_complete=completing.frameworks,
    help="Which of the model's, with a version where it matters; several are shown side by side (default: the first "
    "that is at hand).",
)
@click.option("--target", shell_complete=completing.targets, help="The kind of machine (default: the processor).")
@click.option("--top", type=click.IntRange(1, 1000), default=5, show_default=True, help="Labels of a classifier.")
@click.option("--data", metavar="DATASET[/SPLIT]", help="What a model learns that learns when it is loaded.")
@manifests_option
@click.option("--cache", type=click.Path(path_type=Path), help="Where fetched files and environments are kept.")
@click.option("--offline", is_flag=True, help="Never use the network.")
@json_option
def predict(
    model: str,
    inputs: Sequence[str],
    framework: str | None,
    target: str | None,
    top: int,
    data: str | None,
    manifests: Sequence[Path],
    cache: Path | None,
    offline: bool,
    as_json: bool,
) -> None:
    """Ask MODEL about each INPUT: a text, or a file (a picture, a recording, numbers as JSON or .npy) as the model
    takes it; - is the standard input.

    Latencies are the model's own, of one query with all inputs, after two that are not counted.

    Exit code 1 when one of several frameworks could not answer; 2 when none could.
    """
    shelf = Shelf(manifests)
    wanted: list[str | None] = list(framework.split(",")) if framework else [None]
    given = [_given(one) for one in inputs]
    for chosen in wanted:
        refuse_inputs(model, given, chosen, shelf)
    with progress(as_json) as say:
        settings = Settings(cache=cache, offline=offline, progress=say)
        opened = partial(load, model, target=target, data=data, shelf=shelf, settings=settings)
        found = [_asked(opened, name, given, top, alone=len(wanted) == 1) for name in wanted]
    answered = [one for one in found if isinstance(one, Prediction)]
    failed = [(name, one) for name, one in zip(wanted, found, strict=True) if isinstance(one, MlmsError)]
    if not answered:
        raise failed[0][1]
    if as_json:
        print_json([_plain(name, one) for name, one in zip(wanted, found, strict=True)])
    else:
        _show(inputs, answered)
    for name, error in failed:
        click.echo(f"{name}: {error}", err=True)
    sys.exit(1 if failed else 0)


def _given(text: str) -> str | bytes:
    """An input: the standard input, no more of it than a model is given."""
    return sys.stdin.buffer.read(MOST_BYTES + 1) if text == "-" else text


def _asked(
    opened: Callable[..., Loaded], framework: str | None, given: Sequence[Any], top: int, alone: bool
) -> Prediction | MlmsError:
    """The prediction of one framework, or why it has none where others may."""
    try:
        with opened(framework) as model:
            return model.predict(*given, top=top)
    except (NotApplicable, EnvironmentUnavailable, WorkerError) as error:
        if alone:
            raise
        return error


def _plain(framework: str | None, one: Prediction | MlmsError) -> dict[str, Any]:
    return one.to_json() if isinstance(one, Prediction) else {"framework": framework, "error": str(one)}


# -- the table ------------------------------------------------------------------------------------------


def _show(inputs: Sequence[str], found: Sequence[Prediction]) -> None:
    head = [found[0].model, *(f"{one.framework} {one.version}, {one.target}" for one in found)]
    rows = [row for at, name in enumerate(inputs) for row in _rows(name, [one.answers[at] for one in found])]
    table(head, [*rows, ["latency", *(_time(one.latency_s) for one in found)]])


def _rows(name: str, answers: Sequence[Answer]) -> Iterator[list[str]]:
    """What the frameworks say of one input, side by side: the likeliest labels, or what was decided."""
    name = Path(name).name if "/" in name and "\n" not in name else name
    name = _short(name, _NAME)
    deep = max(len(answer.top) for answer in answers)
    if not deep:
        yield [name, *(_value(answer.value) for answer in answers)]
    for at in range(deep):
        yield [name if at == 0 else "", *(_scored(answer, at) for answer in answers)]


def _scored(answer: Answer, at: int) -> str:
    if at >= len(answer.top):
        return ""
    one = answer.top[at]
    return one.label if one.score is None else f"{one.label}  {one.score:.4g}"


def _value(value: Any) -> str:
    if isinstance(value, list) and len(value) > 2 * _NUMBERS:
        ends = [*map(_value, value[:_NUMBERS]), "...", _value(value[-1])]
        return f"{', '.join(ends)} ({len(value):,} in all)"
    if isinstance(value, float):
        return f"{value:.6g}"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return _short(text, _CELL)


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."


def _time(seconds: float) -> str:
    from pytest_mlmodelscope.cli.run import UNITS

    scale, unit = next((one for one in UNITS if seconds >= one[0]), UNITS[-1])
    return f"{seconds / scale:.3g} {unit}"
