"""A case whose claim is a check: what is drawn, who is asked, what is kept of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pytest_mlmodelscope.core.errors import NotApplicable, WorkerError
from pytest_mlmodelscope.core.manifest import Input
from pytest_mlmodelscope.core.registry import member
from pytest_mlmodelscope.core.result import Case, Result
from pytest_mlmodelscope.interfaces.check import Answers, Query, Seen, Tensors
from pytest_mlmodelscope.interfaces.dataset import Item
from pytest_mlmodelscope.manifest.domains import drawable
from pytest_mlmodelscope.manifest.pipeline import Decision, Preparation
from pytest_mlmodelscope.manifest.translation import Translate, translation
from pytest_mlmodelscope.store import arrays
from pytest_mlmodelscope.verdict.check import Checked, admitted, judge_check

if TYPE_CHECKING:
    from pytest_mlmodelscope.agent.pool import Opened
    from pytest_mlmodelscope.search.drive import Found

EXAMPLES: Final = 100
SECONDS: Final = 300.0
#: Characters of one item's description in a reason.
_LONGEST: Final = 300


@dataclass(frozen=True, slots=True)
class Side:
    """A model in a worker: its inputs, what makes tensors of items, and what makes predictions of outputs."""

    worker: Opened
    inputs: tuple[Input, ...]
    before: Preparation
    after: Decision


@dataclass(frozen=True, slots=True)
class Pair:
    """The model of a case, and the one beside it, as a check may ask them."""

    main: Side
    beside: Side | None = None
    translate: Translate | None = dict

    @classmethod
    def of(cls, main: Side, beside: Side | None) -> Pair:
        """Two sides, and what makes the tensors of the other of those of the one."""
        if beside is None or beside.inputs == main.inputs:
            return cls(main, beside)
        return cls(main, beside, translation(main.inputs, beside.inputs))

    def ask(self, tensors: Tensors) -> dict[str, Any]:
        """The outputs of the case's own worker."""
        return self.main.worker.agent.predict(tensors)[0]

    def decide(self, outputs: Tensors, count: int) -> list[Any]:
        """Its predictions."""
        return self.main.after.predictions(outputs, count)

    def ask_beside(self, tensors: Tensors) -> dict[str, Any]:
        """The outputs of the worker beside it, which may want the axes in another order."""
        assert self.translate is not None  # who asks has seen that there is one
        return self._other.worker.agent.predict(self.translate(tensors))[0]

    def decide_beside(self, outputs: Tensors, count: int) -> list[Any]:
        """The predictions of the one beside it."""
        return self._other.after.predictions(outputs, count)

    @property
    def _other(self) -> Side:
        assert self.beside is not None  # a check says what it wants beside the model
        return self.beside


@dataclass(frozen=True, slots=True)
class Compared:
    """What two frameworks gave for the same items of a dataset."""

    items: Sequence[Item] = ()
    seen: Seen = field(default_factory=Seen)


def compare_items(case: Case, items: Sequence[Item], one: Answers, other: Answers) -> Compared:
    """The answers of two frameworks to all the items of a claim's dataset, held against each other."""
    return Compared(items, member("checks", case.claim.metric).compare(case.claim.metric_options, one, other))


def check_case(
    case: Case,
    pair: Pair,
    root: Path,
    items: Callable[[], Sequence[Item]],
    compared: Compared = Compared(),
) -> Result:
    """Draw inputs until one breaks the promise or there are enough of them.

    ``root`` is the cache, ``items`` reads those of the claim's dataset, ``compared`` is what they
    showed when the check compares two frameworks: where that decides, nothing is drawn.

    Raises:
        NotApplicable: the two frameworks do not take the same tensors, and there are no items.
        MlmsError: a model fails on an input.
    """
    checked, query = _of_items(case, compared), None
    if checked.broken is not None:
        query = _of_item(pair.main, compared)
    elif not compared.items or (drawable(pair.main.inputs) and pair.translate is not None):
        found = _search(case, pair, root, items)
        checked = _with_drawn(found, checked, case.claim.metric_options)
        query = found.query or found.differing_query or _of_item(pair.main, compared)
    kept = _keep(root, query) if checked.broken is not None and query is not None else None
    if kept is not None:
        checked = dataclasses.replace(checked, broken=f"{checked.broken}; kept in {kept['file']}")
    verdict, measurement = judge_check(checked)
    digest = case.dataset.digest if case.dataset else None
    about = _record(case, pair, checked, kept)
    return Result(case, verdict, measurement, software=pair.main.worker.software, data_digest=digest, check=about)


def _search(case: Case, pair: Pair, root: Path, items: Callable[[], Sequence[Item]]) -> Found:
    from pytest_mlmodelscope.search.drive import search
    from pytest_mlmodelscope.search.strategies import extremes, queries, queries_of_items

    options, inputs = case.claim.metric_options, pair.main.inputs
    look = _explained(member("checks", case.claim.metric).make(options, pair), root)
    if pair.translate is None:
        raise NotApplicable(
            "the two frameworks do not take the same tensors: their inputs or the steps before them differ",
            hint="name a dataset in the claim: then its items are compared",
        )
    amount = options.get("examples", EXAMPLES), options.get("seconds", SECONDS), root / "hypothesis"
    if drawable(inputs):
        return search(queries(inputs), extremes(inputs), look, *amount)
    real = items()
    if not real:
        raise NotApplicable("there are no items to draw from")
    strategy = queries_of_items(inputs, len(real), lambda place: _prepared(pair.main, real[place]))
    return search(strategy, (), look, *amount)


def _explained(look: Callable[[Query], Seen], root: Path) -> Callable[[Query], Seen]:
    """The same, and when a model fails it says on which input."""

    def explained(query: Query) -> Seen:
        try:
            return look(query)
        except WorkerError as error:
            error.hint = f"the input was {_told(query)}; it is kept in {_keep(root, query)['file']}"
            raise

    return explained


def _prepared(side: Side, item: Item) -> tuple[dict[str, Any], str]:
    """The tensors of one item without the axis of the batch, and what it is called."""
    tensors = side.before.tensors([item])
    fed = [spec for spec in side.inputs if spec.constant is None]
    values = {spec.name: tensors[spec.name][0] if _stacked(spec) else tensors[spec.name] for spec in fed}
    return values, f"item {item.id}"


def _stacked(spec: Input) -> bool:
    return spec.batched or spec.dtype == "string"


def _of_item(side: Side, compared: Compared) -> Query | None:
    """The item of the dataset that shows worst what is wrong."""
    seen = compared.seen
    place = seen.breach.item if seen.breach is not None else seen.first_differing
    if place is None:
        return None
    values, text = _prepared(side, compared.items[place])
    return Query(side.inputs, (values,), (text,))


def _of_items(case: Case, compared: Compared) -> Checked:
    """What the items of the dataset alone decide; nothing is drawn of them."""
    seen, options = compared.seen, case.claim.metric_options
    allowed, broken = admitted(options, seen.decided), None
    if seen.breach is not None:
        what = f"{seen.breach.output}: " if seen.breach.output else ""
        broken = f"item {compared.items[seen.breach.item].id}: {what}{seen.breach.what}"
    elif seen.differing > allowed:
        broken = _too_many(seen.differing, seen.decided, allowed)
    return Checked(
        wanted=0,
        items=len(compared.items),
        largest=seen.difference,
        decided=seen.decided,
        differing=seen.differing,
        broken=broken,
        remark=seen.remark,
    )


def _with_drawn(found: Found, items: Checked, options: Mapping[str, Any]) -> Checked:
    """What the items showed, and what was drawn besides."""
    decided, differing = found.decided + items.decided, found.differing + items.differing
    return Checked(
        wanted=options.get("examples", EXAMPLES),
        examples=found.examples,
        items=items.items,
        largest=max(found.largest, items.largest),
        exhausted=found.exhausted,
        decided=decided,
        differing=differing,
        broken=_broken(found, differing, decided, admitted(options, decided)),
        remark=found.remark or items.remark,
    )


def _broken(found: Found, differing: int, decided: int, allowed: int) -> str | None:
    if found.seen is not None and found.query is not None and found.seen.breach is not None:
        breach = found.seen.breach
        where = f"{breach.output} of item {breach.item + 1}" if breach.output else f"item {breach.item + 1}"
        return f"{where}: {breach.what}; the smallest input found: {_told(found.query)}"
    return _too_many(differing, decided, allowed) if differing > allowed else None


def _too_many(differing: int, decided: int, allowed: int) -> str:
    return f"{differing:,} of {decided:,} decisions differ, {allowed:,} may"


def _told(query: Query) -> str:
    texts = [text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..." for text in query.texts]
    many = f"{len(texts)} items: " if len(texts) > 1 else ""
    return many + " | ".join(texts)


def _keep(root: Path, query: Query) -> dict[str, Any]:
    """The tensors of a query in a file, with what they are in words."""
    return {"input": list(query.texts), **arrays.keep(root / "counterexamples", query.tensors())}


def _record(case: Case, pair: Pair, checked: Checked, kept: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        "name": case.claim.metric,
        "options": dict(case.claim.metric_options),
        "examples": checked.examples,
        "items": checked.items,
        "exhausted": checked.exhausted,
        "largest_difference": checked.largest,
        "decided": checked.decided,
        "differing": checked.differing,
        "beside": dict(pair.beside.worker.software) if pair.beside is not None else None,
        "counterexample": dict(kept) if kept is not None else None,
    }
