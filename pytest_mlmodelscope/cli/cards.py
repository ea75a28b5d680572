"""What ``mlms show NAME`` tells of one model, claim, dataset, framework or target, and what to type next."""

from __future__ import annotations

import functools
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

import click

from pytest_mlmodelscope.core.errors import UsageError, did_you_mean, near
from pytest_mlmodelscope.core.manifest import Asset, FrameworkUse, Input, Output, Stage
from pytest_mlmodelscope.library.shelf import Kind, Shelf
from pytest_mlmodelscope.manifest.stages import ITEM

#: Columns in front of what is told under a heading.
_INDENT: Final = 2
#: Of a long list, what fits a screen.
_SHOWN: Final = 30


def find(what: Sequence[str]) -> dict[str, Any]:
    """What ``[KIND] NAME`` means, as plain data: its ``kind``, what that kind has, and ``next``, commands to type.

    Raises:
        UsageError: nothing has this name, or two things of different kinds have.
    """
    *kind, name = what
    shelf = Shelf()
    if len(kind) > 1 or (kind and kind[0] not in _KINDS):
        hint = did_you_mean(kind[0], _KINDS)
        raise UsageError(f'"{" ".join(what)}" is no name', expected="RECORD, NAME, or KIND NAME", hint=hint)
    meant: Sequence[Kind] = [one for one in _KINDS if not kind or one == kind[0]]
    having = kinds_of(name, meant, shelf)
    if not having:
        title = kind[0] if kind else "record, model, claim, dataset, framework or target"
        known = {known for one in meant for known in shelf.names(one)}
        raise UsageError(f'there is no {title} called "{name}"', hint=near(name, known) or _all_of(meant))
    if len(having) > 1:
        raise UsageError(f'"{name}" is a {" and a ".join(having)}', hint=f"mlms show {having[0]} {name}")
    return {"kind": having[0], **_KINDS[having[0]](shelf, name)}


def kinds_of(name: str, kinds: Iterable[Kind] = (), shelf: Shelf | None = None) -> list[Kind]:
    """The kinds (of these, or of all) of which something has this name."""
    shelf = shelf or Shelf()
    return [kind for kind in (kinds or _KINDS) if name in shelf.names(kind)]


def _all_of(kinds: Iterable[Kind]) -> str:
    return f"{', '.join(f'mlms {kind}s' for kind in kinds)} list what there is"


def _model(shelf: Shelf, name: str) -> dict[str, Any]:
    model, card = shelf.model(name), shelf.model_card(name)
    claims = shelf.claims(model=name)
    return {
        **asdict(card),
        "inputs": [_tensor(one) for one in model.inputs],
        "stages": [_stage(one) for one in model.stages],
        "outputs": [_tensor(one) for one in model.outputs],
        "frameworks": [_use(one) for one in model.frameworks.values()],
        "assets": [_asset(one) for one in model.assets.values()],
        "claims": [
            {"id": claim.id, "metric": claim.metric, "published": claim.published, "source": claim.source["title"]}
            for claim in claims
        ],
        "next": [
            f"mlms predict {name} INPUT",
            f"mlms run {name}",
            *([f"mlms verify {claims[0].id}", f"mlms claims --model {name}"] if claims else []),
        ],
    }


def _claim(shelf: Shelf, name: str) -> dict[str, Any]:
    card = shelf.claim_card(name)
    file = card.file.rpartition(":")[0]
    return {
        **asdict(card),
        "next": [f"mlms verify {name}", f"pytest --mlms {file} -k {name}", f"mlms show model {card.model}"],
    }


def _dataset(shelf: Shelf, name: str) -> dict[str, Any]:
    dataset = shelf.catalogue.dataset(name, "")
    claims = [card for card in shelf.claims() if (card.dataset or "").partition("/")[0] == name]
    models = list(dict.fromkeys(card.model for card in claims))
    return {
        **asdict(shelf.dataset_card(name)),
        "readers": {split.name: split.reader for split in dataset.splits.values()},
        "assets": [_asset(one) for one in dataset.assets.values()],
        "claims": [{"id": c.id, "model": c.model, "metric": c.metric, "published": c.published} for c in claims],
        "next": [f"mlms run {model} --data {name}" for model in models[:1]],
    }


def _framework(shelf: Shelf, name: str) -> dict[str, Any]:
    from pytest_mlmodelscope.core.framework import framework_spec

    spec = framework_spec(name)
    options = spec.options.get("properties", {})
    return {
        **asdict(shelf.framework_card(name)),
        "roles": dict(spec.roles),
        "options": {option: about.get("description", "") for option, about in options.items()},
        "environments": [
            {"version": one.version, "admits": one.admits, "python": one.python, "devices": list(one.devices)}
            for one in spec.environments
        ],
        "models": [card.name for card in shelf.models(framework=name)],
        "next": [f"mlms env build {name}", f"mlms models --framework {name}"],
    }


def _target(shelf: Shelf, name: str) -> dict[str, Any]:
    return {
        **asdict(shelf.target_card(name)),
        "next": [f"pytest --mlms --mlms-target {name}", "mlms doctor"],
    }


_KINDS: Final[Mapping[Kind, Callable[[Shelf, str], dict[str, Any]]]] = {
    "model": _model,
    "claim": _claim,
    "dataset": _dataset,
    "framework": _framework,
    "target": _target,
}


def _use(use: FrameworkUse) -> dict[str, Any]:
    return {"name": use.name, "version": use.version, "packages": list(use.packages), **dict(use.options)}


def _stage(stage: Stage) -> dict[str, Any]:
    return {"name": stage.name, "model": stage.model.name, "of": stage.of or ITEM, "how": stage.how}


def _tensor(tensor: Input | Output) -> dict[str, Any]:
    layout = tensor.layout if isinstance(tensor, Input) else None
    return {
        "name": tensor.name,
        "dtype": tensor.dtype,
        "shape": list(tensor.shape),
        **({"layout": layout} if layout else {}),
        "steps": [{step.name: dict(step.options)} if step.options else step.name for step in tensor.steps],
    }


def _asset(asset: Asset) -> dict[str, Any]:
    origin = asset.package or asset.url or asset.path or (asset.recipe and f"made by {asset.recipe.script}")
    return {"name": asset.name, "from": origin, "size": asset.size, "sha256": asset.sha256, "license": asset.license}


# -- as text ------------------------------------------------------------------------------------------


def shown(found: Mapping[str, Any], width: int) -> str:
    """Headings and lines, no wider than the terminal where they can be broken."""
    return "\n".join(_lines(found, max(width, 40)))


def _lines(data: Mapping[str, Any], width: int) -> Iterator[str]:
    name = data.get("name") or data["id"]
    yield click.style(f"{data['kind']} {name}", bold=True)
    for key, value in data.items():
        if key in ("kind", "name", "id", "next") or _says_nothing(value):
            continue
        yield from _part(key, value, width)
    if data["next"]:
        yield click.style("next", bold=True)
        yield from (f"  {line}" for line in data["next"])


def _part(key: str, value: Any, width: int) -> Iterator[str]:
    title = key.replace("_", " ")
    rows = _rows(value)
    if rows is None:
        yield from _wrapped(f"{title}: {_plain(value)}", width, _INDENT)
        return
    yield f"{title}:"
    for row in rows:
        yield from (f"{' ' * _INDENT}{line}" for line in _wrapped(row, width - _INDENT, _INDENT))


def _rows(value: Any) -> list[str] | None:
    """The lines of what is several things; None for what fits behind its name."""
    if isinstance(value, Mapping):
        return [f"{key}: {_plain(inner)}" for key, inner in _told(value)]
    if isinstance(value, (list, tuple)) and any(isinstance(one, Mapping) for one in value):
        return [_row(one) if isinstance(one, Mapping) else str(one) for one in value]
    return None


def _told(value: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """What there is to say; who wants the digests and the whole of a long list takes JSON."""
    return [(key, one) for key, one in value.items() if key != "sha256" and not _says_nothing(one)]


def _says_nothing(value: Any) -> bool:
    return value in (None, "", [], {}, ()) or (isinstance(value, Mapping) and all(map(_says_nothing, value.values())))


def _row(entry: Mapping[str, Any]) -> str:
    first, *rest = _told(entry)
    return "  ".join([_plain(first[1]), *(f"{key} {_plain(inner)}" for key, inner in rest)])


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(inner)}" for key, inner in _told(value))
    if isinstance(value, (list, tuple)):
        few = [*value[:_SHOWN], "..."] if len(value) > _SHOWN else value
        return ", ".join(map(_plain, few))
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


@functools.cache
def _wrapper(width: int, indent: int) -> textwrap.TextWrapper:
    return textwrap.TextWrapper(width, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False)


def _wrapped(text: str, width: int, indent: int) -> list[str]:
    return _wrapper(width, indent).wrap(text)
