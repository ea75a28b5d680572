"""What every importer promises, as tests: subclass ``ImporterTests`` and give examples.

class TestMine(ImporterTests):
    importer = "mine"
    examples = (Example("net.mine", b"...", (Tensor("x", "float32", ("batch", 4)),), (Tensor("y"),)),)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

import pytest

from pytest_mlmodelscope.core.errors import DocumentError
from pytest_mlmodelscope.core.framework import framework_spec
from pytest_mlmodelscope.core.registry import member, names
from pytest_mlmodelscope.interfaces.importer import Described, Tensor
from pytest_mlmodelscope.testing._member import DescribedTests

#: Bytes of which an importer is shown the first, as ``library.described`` does.
_START: Final = 512
#: Of each example, how many shortened and changed copies are tried.
_COPIES: Final = 40


@dataclass(frozen=True)
class Example:
    """A model by its name and what it holds (a folder: the files in it), and what it says of itself."""

    name: str
    content: bytes | Mapping[str, bytes]
    inputs: Sequence[Tensor]
    outputs: Sequence[Tensor]


class ImporterTests(DescribedTests):
    """One test a rule. ``importer`` is the registered name, or the module (or object) itself."""

    importer: ClassVar[Any]
    examples: ClassVar[Sequence[Example]] = ()

    def module(self) -> Any:
        """The importer under test."""
        return member("importers", self.importer) if isinstance(self.importer, str) else self.importer

    def read(self, example: Example, folder: Path) -> Described:
        """What one example says of itself, written into a folder."""
        found: Described = self.module().read(written(example, folder))
        return found

    def test_it_knows_its_own_files_and_no_others(self, tmp_path: Path) -> None:
        """By name and start; an empty file, a text and an empty folder are nobody's."""
        assert self.examples, "an importer without an example is not tested"
        for example in self.examples:
            path = written(example, tmp_path)
            assert self.module().fits(path, _start(path)), f"{example.name} is not known"
        (tmp_path / "notes.txt").write_text("a text")
        (tmp_path / "empty").mkdir()
        for name in ("notes.txt", "empty"):
            assert not self.module().fits(tmp_path / name, _start(tmp_path / name)), f"{name} is taken for a model"

    def test_it_reads_what_goes_in_and_what_comes_out(self, tmp_path: Path) -> None:
        """Names, types and shapes, in the order of the file."""
        for example in self.examples:
            found = self.read(example, tmp_path)
            assert tuple(found.inputs) == tuple(example.inputs)
            assert tuple(found.outputs) == tuple(example.outputs)

    def test_frameworks_and_roles_are_those_that_there_are(self, tmp_path: Path) -> None:
        """A manifest is made of them."""
        for example in self.examples:
            found = self.read(example, tmp_path)
            assert found.frameworks, "nothing runs it"
            for name, options in found.frameworks.items():
                assert name in names("frameworks"), f"there is no framework {name}"
                spec = framework_spec(name)
                assert set(found.files) <= set(spec.roles), f"{name} has not all of the roles {', '.join(found.files)}"
                assert set(options) <= set(spec.options.get("properties", {}))
            assert all(path.exists() for path in found.files.values())

    def test_what_is_damaged_is_refused_and_nothing_else_happens(self, tmp_path: Path) -> None:
        """Every shortened or changed copy is read or refused with a ``DocumentError``; no other exception leaves."""
        for example in self.examples:
            path = written(example, tmp_path)
            for file in [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]:
                whole = file.read_bytes()
                for damaged in _damaged(whole):
                    file.write_bytes(damaged)
                    _read_or_refused(self.module(), path)
                file.write_bytes(whole)

    def test_an_empty_file_is_refused(self, tmp_path: Path) -> None:
        """With its place."""
        for example in self.examples:
            path = written(example, tmp_path)
            for file in [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]:
                file.write_bytes(b"")
            with pytest.raises(DocumentError) as caught:
                self.module().read(path)
            assert caught.value.where, "the error names no file"


def written(example: Example, folder: Path) -> Path:
    """Write an example below a folder; gives its place."""
    parts = {"": example.content} if isinstance(example.content, bytes) else example.content
    for below, content in parts.items():
        path = folder / example.name / below
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder / example.name


def _start(path: Path) -> bytes:
    return path.read_bytes()[:_START] if path.is_file() else b""


def _damaged(whole: bytes) -> Iterator[bytes]:
    for step in range(_COPIES):
        at = len(whole) * step // _COPIES
        yield whole[:at]
        yield whole[:at] + b"\xff" + whole[at + 1 :]


def _read_or_refused(importer: Any, path: Path) -> None:
    where: str | None = str(path)
    try:
        importer.read(path)
    except DocumentError as error:
        where = error.where
    assert where, "the error names no file"
