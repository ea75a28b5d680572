"""Names that a shell offers where a command wants one: of models, claims, datasets, frameworks, targets."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from pytest_mlmodelscope.core.errors import MlmsError

if TYPE_CHECKING:
    from pytest_mlmodelscope.library.shelf import Kind

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


def _shelved(*kinds: Kind) -> Callable[[], Iterable[str]]:
    def known() -> Iterable[str]:
        from pytest_mlmodelscope.library.shelf import Shelf

        shelf = Shelf()
        return [name for kind in kinds for name in shelf.names(kind)]

    return known


models = _offering(_shelved("model"))
datasets = _offering(_shelved("dataset"))
claims = _offering(_shelved("claim"))
frameworks = _offering(_members("frameworks"))
targets = _offering(_members("targets"))
metrics = _offering(_members("metrics"))
anything = _offering(_shelved("model", "dataset", "framework", "target", "claim"))
