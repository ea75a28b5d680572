"""Claims: ``/api/claims``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from fastapi import APIRouter

from pytest_mlmodelscope.core.errors import did_you_mean
from pytest_mlmodelscope.hub.api._parts import InPath, Name, Text, missing
from pytest_mlmodelscope.hub.asked import OnShelf
from pytest_mlmodelscope.hub.caching import shared
from pytest_mlmodelscope.library.cards import ClaimCard

router = APIRouter(tags=["claims"])


@router.get("/claims")
@shared
def claims(shelf: OnShelf, text: Text = "", model: Name = None, metric: Name = None) -> list[ClaimCard]:
    """What was published, as far as it matches."""
    return [_public(card) for card in shelf.claims(text, model, metric)]


@router.get("/claims/{identity}")
@shared
def claim(shelf: OnShelf, identity: InPath) -> ClaimCard:
    """One claim, with its source."""
    ids = [card.id for card in shelf.claims()]
    if identity not in ids:
        raise missing("claim", identity, did_you_mean(identity, ids))
    return _public(shelf.claim_card(identity))


def _public(card: ClaimCard) -> ClaimCard:
    """Without the place on this machine."""
    return replace(card, file=Path(card.file).name)
