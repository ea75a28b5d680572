"""Claims: what was published, where, and what came of it on each framework and kind of machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pytest_mlmodelscope.hub.views import conditions, series
from pytest_mlmodelscope.hub.views.asking import Filters, claims_by, current, outcomes, where
from pytest_mlmodelscope.hub.views.outcomes import Outcome, Total, from_result, ordered, tally
from pytest_mlmodelscope.hub.views.series import History
from pytest_mlmodelscope.library.cards import ClaimCard
from pytest_mlmodelscope.library.shelf import Shelf
from pytest_mlmodelscope.store.runs import read
from pytest_mlmodelscope.store.tables import Result

#: Claims of one page of the list, and past results that a claim's page goes back to.
PAGE: Final = 50
PAST: Final = 50


@dataclass(frozen=True, slots=True)
class Listed:
    """A claim in a list, with the verdicts of its current results; ``card`` is None where it is not on the shelf."""

    id: str
    model: str
    card: ClaimCard | None
    totals: tuple[Total, ...]


@dataclass(frozen=True, slots=True)
class ClaimsFound:
    """``page`` counts from 1, ``count`` is of all pages."""

    listed: tuple[Listed, ...]
    page: int
    pages: int
    count: int


@dataclass(frozen=True, slots=True)
class ClaimPage:
    """``source`` has the keys of ``core.claim.Source``, ``conditions`` those of a record; ``past`` is newest first."""

    id: str
    model: str
    metric: str
    dataset: str | None
    published_text: str
    source: Mapping[str, Any]
    conditions: Mapping[str, Any]
    card: ClaimCard | None
    outcomes: tuple[Outcome, ...]
    totals: tuple[Total, ...]
    history: History | None
    past: tuple[Outcome, ...]

    @property
    def under(self) -> tuple[tuple[str, str], ...]:
        """The conditions in words."""
        return conditions.told(self.conditions, self.metric)

    @property
    def metric_text(self) -> str:
        """The metric in words, with its options."""
        return conditions.metric_told(self.metric, self.conditions.get("metric_options") or {})

    @property
    def verdict(self) -> str | None:
        """The gravest of the current verdicts; None where it was never verified."""
        return self.totals[0].word if self.totals else None


def claims(session: Session, shelf: Shelf, filters: Filters, page: int = 1) -> ClaimsFound:
    """The claims that the filters leave: those on the shelf first, and of them those that were verified here."""
    columns = (Result.claim, Result.model, Result.verdict)
    question = current(*columns, func.count()).where(*where(filters, shelf)).group_by(*columns)
    counts: dict[str, dict[str, int]] = {}
    models: dict[str, str] = {}
    for claim, model, verdict, count in session.execute(question):
        counts.setdefault(claim, {})[verdict] = count
        models[claim] = model
    cards = {card.id: card for card in shelf.claims()}
    chosen = [identity for identity, card in cards.items() if identity in counts or _wanted(card, filters, shelf)]
    chosen.sort(key=lambda identity: identity not in counts)
    everything = [*chosen, *sorted(identity for identity in counts if identity not in cards)]
    pages = max(1, -(-len(everything) // PAGE))
    page = min(max(1, page), pages)
    return ClaimsFound(
        listed=tuple(
            Listed(one, cards[one].model if one in cards else models[one], cards.get(one), ordered(counts.get(one, {})))
            for one in everything[(page - 1) * PAGE : page * PAGE]
        ),
        page=page,
        pages=pages,
        count=len(everything),
    )


def _wanted(card: ClaimCard, filters: Filters, shelf: Shelf) -> bool:
    """Whether a claim without results is asked for: nothing that only results have is."""
    if filters.hardware or filters.verdict or filters.target:
        return False
    model = shelf.model_card(card.model)
    told = f"{card.id} {card.model} {card.metric} {card.source['title']} {model.task} {model.description}".casefold()
    return (
        all(word in told for word in filters.text.casefold().split())
        and filters.task in ("", model.task)
        and filters.framework in ("", *card.frameworks)
        and filters.model in ("", card.model)
        and (not filters.author or card.id in claims_by(filters.author, shelf))
    )


def claim(session: Session, shelf: Shelf, identity: str) -> ClaimPage | None:
    """One claim; None where neither the shelf nor any result knows it."""
    card = next((card for card in shelf.claims() if card.id == identity), None)
    question = current(Result).where(Result.claim == identity)
    now = outcomes(session, question.order_by(Result.framework, Result.target, Result.machine_class))
    if card is None and not now:
        return None
    past = select(Result).where(Result.claim == identity).order_by(Result.at.desc(), Result.id.desc()).limit(PAST)
    told = _told(card) if card is not None else _told_by(session, now[-1])
    return ClaimPage(
        id=identity,
        card=card,
        outcomes=now,
        totals=tally(one.verdict for one in now),
        history=series.of_claim(session, identity),
        past=tuple(from_result(result) for result in session.scalars(past)),
        **told,
    )


def identities(session: Session, shelf: Shelf) -> list[str]:
    """All ids that a claim's page is found by."""
    return sorted({*(card.id for card in shelf.claims()), *session.scalars(select(Result.claim).distinct())})


def _told(card: ClaimCard) -> dict[str, Any]:
    same = ("model", "metric", "dataset", "source", "conditions")
    return {name: getattr(card, name) for name in same} | {"published_text": card.published}


def _told_by(session: Session, outcome: Outcome) -> dict[str, Any]:
    """What a record says of a claim that is not on the shelf."""
    record = read(session, outcome.record) or {"mlms": {"cases": []}}
    case: Mapping[str, Any] = next((case for case in record["mlms"]["cases"] if case["id"] == outcome.case), {})
    source = case.get("source") or {}
    return {
        "model": outcome.model,
        "metric": outcome.metric,
        "dataset": outcome.dataset,
        "source": source,
        "conditions": case.get("conditions") or {},
        "published_text": source.get("figure") or outcome.published_text,
    }
