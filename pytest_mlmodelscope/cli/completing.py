"""Names that a shell offers where a command wants one: of models, claims, datasets, frameworks, targets."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from pytest_mlmodelscope.core.errors import MlmsError

if TYPE_CHECKING:
    from pytest_mlmodelscope.library.shelf import Shelf

_Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def _offering(known: Callable[[], Iterable[str]]) -> _Complete:
    """What ``shell_complete`` of a parameter takes; a broken file is no reason for a shell to show an error."""

    def complete(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
        try:
            return [CompletionItem(name) for name in known() if name.startswith(incomplete)]
        except MlmsError:
            return []

    return complete


def _members(group: str) -> Callable[[], Iterable[str]]:
    def known() -> Iterable[str]:
        from pytest_mlmodelscope.core.registry import names

        return names(group)

    return known


def _shelf() -> Shelf:
    from pytest_mlmodelscope.library.shelf import Shelf

    return Shelf()


def _models() -> Iterable[str]:
    return _shelf().catalogue.model_names()


def _datasets() -> Iterable[str]:
    return _shelf().catalogue.dataset_names()


def _claims() -> Iterable[str]:
    return (card.id for card in _shelf().claims())


def _anything() -> Iterable[str]:
    return [*_models(), *_datasets(), *_members("frameworks")(), *_members("targets")(), *_claims()]


models = _offering(_models)
datasets = _offering(_datasets)
claims = _offering(_claims)
frameworks = _offering(_members("frameworks"))
targets = _offering(_members("targets"))
metrics = _offering(_members("metrics"))
anything = _offering(_anything)
