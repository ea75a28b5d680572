"""Cells of a table that is wider than the terminal: how wide each column may be, and where its lines break."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from typing import Final

#: Characters between two columns.
_BETWEEN: Final = 3
#: A column is never narrower, save where all its cells are.
_LEAST: Final = 6


class _Wrapper(textwrap.TextWrapper):
    """Breaks at blanks, and names such as image_classification and paths also behind what joins their parts."""

    wordsep_re = re.compile(r"(\s+|[^\s_/]+[_/]+)")


def widths(columns: Sequence[Sequence[str]], room: int) -> list[int]:
    """How many characters each column gets of a table that has ``room``: the first all that it needs, of the others the
    widest give way first, none beyond its longest word while another can still give.
    """
    from rich.cells import cell_len

    lines = [[line for cell in column for line in cell.split("\n")] for column in columns]
    given = [max(map(cell_len, column), default=0) for column in lines]
    words = [max((len(word) for line in column for word in _words(line)), default=0) for column in lines]
    for least in (words, [min(_LEAST, width) for width in given]):
        while sum(given) + _BETWEEN * (len(given) - 1) > room:
            wide = [at for at in range(1, len(given)) if given[at] > least[at]]
            if not wide:
                break
            given[max(wide, key=given.__getitem__)] -= 1
    return given


def broken(text: str, width: int) -> str:
    """A cell in lines of at most ``width`` characters."""
    wrapper = _Wrapper(max(width, 1))
    return "\n".join(part for line in text.split("\n") for part in wrapper.wrap(line) or [""])


def _words(line: str) -> list[str]:
    return [word for word in _Wrapper.wordsep_re.split(line) if word.strip()]
