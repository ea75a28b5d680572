"""The shelf, searched by functions of their own."""

from __future__ import annotations

from pytest_mlmodelscope.library.cards import ClaimCard, DatasetCard, FrameworkCard, ModelCard, TargetCard
from pytest_mlmodelscope.library.shelf import Shelf


def find_models(
    text: str = "", task: str | None = None, framework: str | None = None, *, shelf: Shelf | None = None
) -> list[ModelCard]:
    """The models whose name, task or description has every word of ``text``, by name."""
    return (shelf or Shelf()).models(text, task, framework)


def find_claims(
    text: str = "", model: str | None = None, metric: str | None = None, *, shelf: Shelf | None = None
) -> list[ClaimCard]:
    """The claims whose id, model, metric or source has every word of ``text``, in the order of their files."""
    return (shelf or Shelf()).claims(text, model, metric)


def find_datasets(text: str = "", *, shelf: Shelf | None = None) -> list[DatasetCard]:
    """The datasets whose name or description has every word of ``text``, by name."""
    return (shelf or Shelf()).datasets(text)


def find_frameworks(text: str = "", *, shelf: Shelf | None = None) -> list[FrameworkCard]:
    """The frameworks whose name or title has every word of ``text``, by name."""
    return (shelf or Shelf()).frameworks(text)


def find_targets(text: str = "", *, shelf: Shelf | None = None) -> list[TargetCard]:
    """The kinds of machine whose name or description has every word of ``text``, looked for on this machine now."""
    return (shelf or Shelf()).targets(text)
