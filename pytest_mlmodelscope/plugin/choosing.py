"""Which of the collected cases are verified."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import pytest

from pytest_mlmodelscope.claim.expand import kind_of
from pytest_mlmodelscope.core.bundled import bundled_root
from pytest_mlmodelscope.core.result import Case
from pytest_mlmodelscope.plugin.collect import ClaimCase, ClaimFile, Collection
from pytest_mlmodelscope.plugin.options import value

#: The bundled case that the gate is tested on unless another is chosen: its file and, of its claim, framework and
#: target, the names.
_QUICK: Final = ("fashion-cnn", ("fashion-cnn-latency", "onnxruntime", "cpu"))


def refuse_twins(items: Iterable[pytest.Item]) -> None:
    """Refuse two cases of one name: a record could not tell them apart.

    Raises:
        UsageError: there are two.
    """
    seen: dict[str, ClaimCase] = {}
    for item in items:
        if isinstance(item, ClaimCase):
            twin = seen.setdefault(item.case.id, item)
            if twin is not item and twin.path != item.path:
                raise pytest.UsageError(
                    f'two claims are called "{item.case.claim.id}": in {twin.path} and in {item.path}; rename one'
                )


def leave_out(
    config: pytest.Config, collection: Collection, session: pytest.Session, items: list[pytest.Item]
) -> list[Case]:
    """Take out of ``items`` what is verified on request, where nothing was asked for, and give it; where the gate is
    tested, everything that is not timed.
    """
    if value(config, "aa"):
        _keep_timed(config, collection, session, items)
        return []
    if _is_chosen(config):
        return []
    left = [item for item in items if isinstance(item, ClaimCase) and item.case.claim.on_request]
    if left:
        gone = set(left)
        items[:] = [item for item in items if item not in gone]
        config.hook.pytest_deselected(items=left)
    return [item.case for item in left]


def _keep_timed(
    config: pytest.Config, collection: Collection, session: pytest.Session, items: list[pytest.Item]
) -> None:
    """Of what was chosen the timed cases; where nothing was, or none of them is, a quick one of our own."""
    timed = [item for item in items if isinstance(item, ClaimCase) and kind_of(item.case.claim) == "timed"]
    if not _is_chosen(config) and config.args_source is not pytest.Config.ArgsSource.ARGS:
        timed = []
    left = [item for item in items if item not in timed]
    items[:] = timed or _quick_cases(collection, session)
    config.hook.pytest_deselected(items=left)


def _is_chosen(config: pytest.Config) -> bool:
    """Whether the user said which cases are wanted."""
    options = [value(config, name) for name in ("target", "framework")]
    options += [config.getoption(name) for name in ("markexpr", "keyword")]
    return any(options) or any("::" in argument for argument in config.args)


def _quick_cases(collection: Collection, session: pytest.Session) -> list[pytest.Item]:
    file = ClaimFile.from_parent(session, path=bundled_root() / "claims" / f"{_QUICK[0]}.yml")
    file.scope = collection
    cases = file.collect()
    return [item for item in cases if (item.case.claim.id, item.case.framework.name, item.case.target) == _QUICK[1]]
