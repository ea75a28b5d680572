"""What every reader promises, as tests: subclass ``ReaderTests`` and give examples.

class TestMine(ReaderTests):
    reader = "mine"
    examples = (Example({"data": b"a,1"}, {"asset": "data"}, (Item("0", "a", "1"),)),)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pytest

from pytest_mlmodelscope.core.document import shown_path
from pytest_mlmodelscope.core.errors import DocumentError
from pytest_mlmodelscope.core.registry import member
from pytest_mlmodelscope.interfaces.dataset import Item
from pytest_mlmodelscope.testing._member import OptionsTests
from pytest_mlmodelscope.testing._same import assert_same

#: A file by what it holds, or a tree of them by their paths.
Content = bytes | Mapping[str, bytes]


@dataclass(frozen=True)
class Example:
    """Assets by name, options, and the items that they hold.

    The input of an item that is a file is its path below the asset, as text.
    """

    files: Mapping[str, Content]
    options: Mapping[str, Any]
    items: Sequence[Item]


@dataclass(frozen=True)
class Broken:
    """Assets that are not of the format. ``asset`` is the one to blame, ``line`` where it breaks."""

    files: Mapping[str, Content]
    options: Mapping[str, Any]
    asset: str
    line: int | None = None
    says: str = field(default="")


class ReaderTests(OptionsTests):
    """One test a rule. ``reader`` is the registered name, or the module (or object) itself.

    ``refused`` are options that the reader's schema must not let pass.
    """

    reader: ClassVar[Any]
    examples: ClassVar[Sequence[Example]] = ()
    broken: ClassVar[Sequence[Broken]] = ()

    def module(self) -> Any:
        """The reader under test."""
        return member("datasets", self.reader) if isinstance(self.reader, str) else self.reader

    def allowed(self) -> Iterable[Mapping[str, Any]]:
        """Those of the examples."""
        return [example.options for example in self.examples]

    def read(self, example: Example | Broken, folder: Path) -> list[Item]:
        """The items of one example, its assets written into a folder."""
        return list(self.module().read(written(example.files, folder), example.options))

    def test_it_gives_the_items_in_their_order(self, tmp_path: Path) -> None:
        """Ids, inputs and labels, in type and value."""
        assert self.examples, "a reader without an example is not tested"
        for number, example in enumerate(self.examples):
            folder = tmp_path / str(number)
            found = self.read(example, folder)
            assert [item.id for item in found] == [item.id for item in example.items]
            for item, expected in zip(found, example.items, strict=True):
                assert_same(_portable(item.input, folder), expected.input)
                assert_same(item.label, expected.label)

    def test_ids_are_text_and_tell_items_apart(self, tmp_path: Path) -> None:
        """Predictions of two runs are compared item by item."""
        for number, example in enumerate(self.examples):
            ids = [item.id for item in self.read(example, tmp_path / str(number))]
            assert all(isinstance(one, str) for one in ids), "an id is not text"
            assert len(set(ids)) == len(ids), "two items have the same id"

    def test_the_same_files_give_the_same_items_again(self, tmp_path: Path) -> None:
        """Also from another folder: an id must not hold a path of this machine."""
        for number, example in enumerate(self.examples):
            first = self.read(example, tmp_path / f"{number}a")
            second = self.read(example, tmp_path / f"{number}b")
            assert [item.id for item in first] == [item.id for item in second]
            for one, other in zip(first, second, strict=True):
                assert_same(
                    _portable(one.input, tmp_path / f"{number}a"), _portable(other.input, tmp_path / f"{number}b")
                )

    def test_what_is_not_of_the_format_is_refused_with_its_place(self, tmp_path: Path) -> None:
        """A ``DocumentError`` that names the file, and the line where there is one."""
        for number, example in enumerate(self.broken):
            folder = tmp_path / str(number)
            files = written(example.files, folder)
            with pytest.raises(DocumentError, match=example.says or None) as caught:
                list(self.module().read(files, example.options))
            where = shown_path(files[example.asset]) + (f":{example.line}" if example.line else "")
            assert (caught.value.where or "").startswith(where), f"expected {where}, got {caught.value.where}"


def written(files: Mapping[str, Content], folder: Path) -> dict[str, Path]:
    """Write assets below a folder; gives their paths by name."""
    for name, content in files.items():
        parts = {"": content} if isinstance(content, bytes) else content
        for below, data in parts.items():
            path = folder / name / below
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    return {name: folder / name for name in files}


def _portable(value: Any, folder: Path) -> Any:
    return value.relative_to(folder).as_posix() if isinstance(value, Path) else value
