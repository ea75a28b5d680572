"""Numbers as people have them: what a spreadsheet gives is what JSON would."""

from __future__ import annotations

import pytest

from pytest_mlmodelscope.core.errors import InputError
from pytest_mlmodelscope.hub.jobs.tables import numbers_of


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1,2,3", [1, 2, 3]),
        ("1, 2.5 ,-3e2\n", [1, 2.5, -300.0]),
        ("1\t2\n3\t4", [[1, 2], [3, 4]]),
        ("1;2\r\n3;4\r\n", [[1, 2], [3, 4]]),
        ("1 2  3", [1, 2, 3]),
        ("1\n2\n3", [1, 2, 3]),
        ("width,height\n1,2", [1, 2]),
        ("[[1, 2], [3, 4]]", [[1, 2], [3, 4]]),
        ('"1","2"', [1, 2]),
        ("7", [7]),
    ],
)
def test_lines_become_an_array(text, numbers):
    assert numbers_of(text) == numbers


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1,2\n3", "different lengths"),
        ("1,cat\n2,dog", "something else than numbers"),
        ("1,,2", "something else than numbers"),
        ("[1, 2", "is not JSON"),
        (" \n", "is empty"),
    ],
)
def test_what_is_no_table_of_numbers_is_refused(text, said):
    with pytest.raises(InputError, match=said):
        numbers_of(text)
