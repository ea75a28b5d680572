"""What a job may ask for: looked at before it is put into the queue, so that a mistake is told at once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar, Union

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.json_schema import SkipJsonSchema

from pytest_mlmodelscope.claim.expand import requirement, use_of
from pytest_mlmodelscope.core.errors import InputError, UsageError, did_you_mean
from pytest_mlmodelscope.core.manifest import FrameworkUse, ModelManifest, Split
from pytest_mlmodelscope.core.registry import names
from pytest_mlmodelscope.hub.jobs.bounds import Bounds
from pytest_mlmodelscope.hub.jobs.tables import numbers_of
from pytest_mlmodelscope.hub.problems import Refused
from pytest_mlmodelscope.library.intake import GIVEN_AS, Intake
from pytest_mlmodelscope.library.pictures import size
from pytest_mlmodelscope.library.shelf import Shelf
from pytest_mlmodelscope.manifest.stages import front
from pytest_mlmodelscope.store.tables import NAME

Name = Annotated[str, Field(min_length=1, max_length=NAME)]
#: What a job's page repeats of a text.
_TOLD: Final = 2000
_STRICT: Final = ConfigDict(extra="forbid", frozen=True)
_T = TypeVar("_T")
#: What may be left out, and is described without saying that it may be null.
_Left = Union[_T, SkipJsonSchema[None]]  # noqa: UP007  # the new form takes no variable


class Given(BaseModel):
    """The input of a model, in one of these forms; a file comes as a part of its own."""

    model_config = _STRICT
    text: _Left[str] = None
    array: _Left[list[Any] | float] = Field(default=None, description="numbers, nested as deep as the model's input is")
    fields: _Left[dict[str, Any]] = Field(default=None, description="values by the names of fields")


class Predict(BaseModel):
    """Ask a model about one input, on several frameworks."""

    model_config = _STRICT
    kind: Literal["predict"]
    model: Name
    frameworks: list[Name] = Field(default=[], description="those of the model to ask (default: its first)")
    target: Name = "cpu"
    input: Given = Given()


class Verify(BaseModel):
    """Verify a claim, on one framework or all that it admits."""

    model_config = _STRICT
    kind: Literal["verify"]
    claim: Name
    framework: Name | None = None
    target: Name = "cpu"


Asked = Annotated[Predict | Verify, Field(discriminator="kind")]
ASKED: Final[TypeAdapter[Predict | Verify]] = TypeAdapter(Asked)
#: The parts of a form; those of the input hold JSON, save for ``text``.
_PARTS: Final = ("kind", "model", "target", "claim", "framework")


def of_json(body: bytes, shelf: Shelf) -> Predict | Verify:
    """What a body asks for.

    Raises:
        UsageError: it is not what a job is.
        Refused: 404, there is no such model or claim.
    """
    try:
        asked = ASKED.validate_json(body)
    except ValidationError as error:
        raise UsageError(_said(error)) from None
    _refuse_unknown(asked.model_dump(include={"model", "claim"}), shelf)
    return asked


def of_form(parts: Sequence[tuple[str, str]], shelf: Shelf) -> Predict | Verify:
    """The same of the parts of a form: ``frameworks`` may stand there several times, or with commas between.

    Raises:
        UsageError, Refused: as above.
    """
    told: dict[str, Any] = {name: value for name, value in parts if name in _PARTS and value}
    _refuse_unknown(told, shelf)
    if told.get("kind") == "predict":
        chosen = [name.strip() for key, value in parts if key == "frameworks" for name in value.split(",")]
        told |= {"frameworks": [name for name in chosen if name], "input": _given(dict(parts))}
    try:
        return ASKED.validate_python(told)
    except ValidationError as error:
        raise UsageError(_said(error)) from None


def _refuse_unknown(told: Mapping[str, str], shelf: Shelf) -> None:
    for what, name in told.items():
        if what in ("model", "claim"):
            known = shelf.catalogue.model_names() if what == "model" else [claim.id for claim in shelf.claims()]
            if name not in known:
                raise Refused(404, f'no {what} is called "{name[:NAME]}"', hint=did_you_mean(name, known))


def _given(parts: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {key: _json(key, parts[key]) for key in ("array", "fields") if parts.get(key)}
    if parts.get("table"):
        found["array"] = numbers_of(parts["table"])
    return found | ({"text": parts["text"]} if parts.get("text") else {})


def _json(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise UsageError(f"{name} is not JSON", got=text[:200]) from None


def _said(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}" if where else str(first["msg"])


# -- against what is on the shelf -------------------------------------------------------------


def checked(asked: Predict | Verify, shelf: Shelf, bounds: Bounds, upload: Path | None = None) -> dict[str, Any]:
    """The request as its job keeps it, without the name of the upload.

    Raises:
        InputError: the input is not what the model takes.
        MlmsError: there is no such model, claim, framework or target.
    """
    _refuse_target(asked.target)
    if isinstance(asked, Verify):
        return _verification(asked, shelf)
    return _prediction(asked, shelf, bounds, upload)


def _refuse_target(target: str) -> None:
    # An address of another machine would make the hub knock there for whoever asks.
    if target not in names("targets"):
        raise UsageError(f'there is no target "{target}"', hint=did_you_mean(target, names("targets")))


def _verification(asked: Verify, shelf: Shelf) -> dict[str, Any]:
    claim = shelf.claim_card(asked.claim)
    if asked.framework is not None:
        _refuse_framework(asked.framework, claim.frameworks, f"the claim {claim.id}")
    return {"claim": claim.id, "model": claim.model, "framework": asked.framework, "target": asked.target}


def _prediction(asked: Predict, shelf: Shelf, bounds: Bounds, upload: Path | None) -> dict[str, Any]:
    model = shelf.model(asked.model)
    chosen = list(dict.fromkeys(asked.frameworks)) or list(model.frameworks)[:1]
    if len(chosen) > bounds.frameworks:
        raise UsageError("too many frameworks", expected=f"at most {bounds.frameworks}", got=str(len(chosen)))
    uses = [_use(model, name) for name in chosen]
    given = _one_input(asked.input, upload)
    if given is not upload:
        _refuse_large(given, bounds)
    for use in uses:
        intake = Intake(front(model, use), _split(shelf, model.name))
        _refuse_kind(intake, given)
        intake.refuse(given, files=False)
    pixels = {"pixels": size(given)} if isinstance(given, Path) and intake.wants == "picture" else {}
    told = {"input": {**asked.input.model_dump(exclude_none=True), "told": _told(given), **pixels}}
    return {"model": model.name, "frameworks": chosen, "target": asked.target, **told}


def _split(shelf: Shelf, model: str) -> Split | None:
    """The part of its data that says how recordings become items."""
    use = shelf.data_of(model)
    return None if use is None else shelf.dataset(use.name).splits.get(use.split)


def _use(model: ModelManifest, name: str) -> FrameworkUse:
    """How a model is run on one of its frameworks, or the stages of a pipeline on theirs; a version is none of both."""
    asked = requirement(name)
    if asked.stages:
        return use_of(model, asked)
    _refuse_framework(name, model.frameworks, f"the model {model.name}")
    return model.frameworks[name]


def _refuse_framework(name: str, among: Sequence[str] | Mapping[str, Any], of: str) -> None:
    if name not in among:
        raise UsageError(f'{of} has no framework "{name}"', hint=did_you_mean(name, among))


def _one_input(given: Given, upload: Path | None) -> Any:
    told = given.model_dump(exclude_none=True)
    if len(told) + (upload is not None) != 1:
        got = ", ".join([*told, *(["a file"] if upload is not None else [])])
        raise InputError("a job asks about one input", expected="a text, an array, fields or a file", got=got or "none")
    return upload if upload is not None else next(iter(told.values()))


def _refuse_large(given: Any, bounds: Bounds) -> None:
    try:
        size = len(json.dumps(given, allow_nan=False))
    except ValueError:
        raise InputError("the input holds what is not a number") from None
    except RecursionError:
        raise InputError("the input is nested too deep") from None
    if size > bounds.input_bytes:
        raise InputError("the input is too large", expected=f"at most {bounds.input_bytes:,} bytes", got=f"{size:,}")


def _refuse_kind(intake: Intake, given: Any) -> None:
    """A text where numbers are wanted is told of as one, whatever reading it as a number would say."""
    if isinstance(given, str) and intake.wants in ("picture", "audio"):
        raise InputError("the model takes no text", expected=GIVEN_AS[intake.wants], got="a text")


def _told(given: Any) -> str:
    if isinstance(given, Path):
        return f"a file of {given.stat().st_size:,} bytes"
    text = given if isinstance(given, str) else json.dumps(given)
    return text if len(text) <= _TOLD else f"{text[:_TOLD]} ..."
