"""A session as a comment on a pull request: what a reviewer has to know first, the rest folded away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from pytest_mlmodelscope.record.diff import USUAL, diff, findings_of
from pytest_mlmodelscope.reports import _text, markdown

#: Characters that a comment may have on the usual platforms, with room for what they add.
LONGEST: Final = 60_000


def comment(records: Sequence[Mapping[str, Any]], longest: int = LONGEST) -> str:
    """The newest of some records (one at least) as Markdown: the verdicts, what is worse than in the record before it,
    every case; of that as much as a comment of so many characters can hold.
    """
    past = in_order(records)
    newest, worse = past[-1], worse_than_before(past)
    cases = newest["mlms"]["cases"]
    lines = [f"### {_text.counts(cases)}", ""]
    if worse:
        lines += [f"**{len(worse):,} worse than before**", "", *(f"- {markdown.escaped(one)}" for one in worse), ""]
    lines += [f"**Warning**: {markdown.escaped(one)}\n" for one in findings_of(newest)]
    table = markdown.session(cases)
    folded = ["<details><summary>All cases</summary>", "", table, "", "</details>"]
    whole = "\n".join([*lines, *folded])
    if len(whole) <= longest:
        return whole
    short = "\n".join([*lines, f"The table of all {len(cases):,} cases is too long for a comment."])
    return short if len(short) <= longest else short[: longest - 4] + " ..."


def in_order(records: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Records by the moment at which they were written, the newest last."""
    return sorted(records, key=written)


def written(record: Mapping[str, Any]) -> datetime:
    """When a record was written."""
    found = datetime.fromisoformat(record["datetime"])
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def worse_than_before(past: Sequence[Mapping[str, Any]]) -> list[str]:
    """What is worse in the last of some records than in the one before it."""
    return [*diff(past[-2], past[-1], ("before", "now")).worse(USUAL)] if len(past) > 1 else []
