"""Collection: a YAML file of claims becomes test functions, one for each case."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_mlmodelscope.claim.expand import Selection, expand, kind_of
from pytest_mlmodelscope.claim.known import FILE_NAME, Known, find_known, load_known
from pytest_mlmodelscope.claim.load import is_claim_file, load_claims
from pytest_mlmodelscope.core.bundled import bundled_root
from pytest_mlmodelscope.core.errors import MlmsError
from pytest_mlmodelscope.core.result import Case
from pytest_mlmodelscope.manifest.load import Catalogue
from pytest_mlmodelscope.plugin.cases import ReplayClock, verify_claim, verify_timed_claim

if TYPE_CHECKING:
    from pytest_mlmodelscope.plugin.session import Session


class ClaimCase(pytest.Function):
    """One case as a test function, reported where its claim stands."""

    case: Case
    known: Known | None
    record: dict[str, Any] | None = None

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        """The claim's file and its 0-based line."""
        return self.path, self.case.claim.line - 1, self.name


class ClaimFile(pytest.File):
    """A file of claims."""

    scope: Collection

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._fixtures: dict[Any, Any] = {}
        # A user may have switched it off; then nobody asks for the latencies of single queries.
        self._has_benchmark = self.config.pluginmanager.hasplugin("benchmark")

    def collect(self) -> Iterator[ClaimCase]:
        """Every case of every claim in the file.

        Raises:
            CollectError: the file, or a manifest that it names, is not valid.
        """
        try:
            cases = self.scope.cases(self.path)
        except MlmsError as error:
            raise self.CollectError(str(error)) from None
        for case, known in cases:
            item = self._item(case)
            item.case, item.known = case, known
            for name in markers(case):
                item.add_marker(_mark(name))
            item.extra_keyword_matches.update(_keywords(case))
            yield item

    def _item(self, case: Case) -> ClaimCase:
        timed = self._has_benchmark and kind_of(case.claim) == "timed"
        function = verify_timed_claim if timed else verify_claim
        # All cases of a file use the same fixtures, as those of a parametrised function do; finding
        # out which takes pytest longer than all the rest of an item.
        shared = self._fixtures.get(function)
        item = ClaimCase.from_parent(self, name=case.id, callobj=function, fixtureinfo=shared)
        self._fixtures.setdefault(function, item._fixtureinfo)
        if timed:
            item.add_marker(pytest.mark.benchmark(timer=ReplayClock(), group=case.claim.id))
        return item


class Collection:
    """What collecting needs to know: selection, catalogues, accepted verdicts."""

    def __init__(self, chosen: Selection, roots: list[Path], known: list[Known], claims: list[Path]) -> None:
        self._chosen = chosen
        self._roots = roots
        self._known = known
        self._claims = claims
        self._catalogues: dict[Path, Catalogue] = {}
        self._known_beside: dict[Path, list[Known]] = {}

    def is_ours(self, path: Path, named: bool) -> bool:
        """Whether a file holds claims: it says so, or stands where claims stand, or was named."""
        if path.suffix not in {".yml", ".yaml"}:
            return False
        if is_claim_file(path):
            return True
        expected = named or any(root in path.parents for root in self._claims)
        return expected and not _is_other_document(path)

    def cases(self, path: Path) -> list[tuple[Case, Known | None]]:
        """The cases of a file, each with what is accepted of it."""
        catalogue = self._catalogue(path.parent)
        known = self._known + self._beside(path.parent)
        return [
            (case, find_known(known, case))
            for claim in load_claims(path)
            for case in expand(claim, catalogue, self._chosen)
        ]

    def _catalogue(self, folder: Path) -> Catalogue:
        if folder not in self._catalogues:
            near = [folder / "manifests", folder.parent / "manifests", *self._roots, bundled_root() / "manifests"]
            self._catalogues[folder] = Catalogue([root for root in near if root.is_dir()])
        return self._catalogues[folder]

    def _beside(self, folder: Path) -> list[Known]:
        if folder not in self._known_beside:
            file = folder / FILE_NAME
            self._known_beside[folder] = load_known(file) if file.is_file() else []
        return self._known_beside[folder]


def _is_other_document(path: Path) -> bool:
    with path.open(encoding="utf-8", errors="replace") as file:
        head = file.read(4096)
    return any(line.startswith(("schema: known/", "schema: model/", "schema: dataset/")) for line in head.splitlines())


def markers(case: Case) -> list[str]:
    """The markers of a case: its target, its framework, and its machine's architecture."""
    native = _native() if case.target == "cpu" else []
    # Another machine's marker is that of its kind.
    kind = case.target.partition("://")[0]
    return list(dict.fromkeys([kind, *(case.framework.stages.values() or [case.framework.name]), *native]))


@functools.cache
def _native() -> list[str]:
    """The marker of this machine's architecture, where it has one."""
    from pytest_mlmodelscope.targets import arch

    return {"aarch64": ["arm"], "ppc64le": ["ppc"]}.get(arch(), [])


@functools.cache
def _mark(name: str) -> pytest.MarkDecorator:
    decorator: pytest.MarkDecorator = getattr(pytest.mark, name)
    return decorator


def _keywords(case: Case) -> set[str]:
    words = {case.claim.model, case.claim.metric, case.model.task}
    return words | ({case.dataset.name} if case.dataset else set())


def collect_file(session: Session, file_path: Path, parent: pytest.Collector) -> ClaimFile | None:
    """The collector of a file, when it is one of claims."""
    if not session.collection.is_ours(file_path, parent.session.isinitpath(file_path)):
        return None
    file: ClaimFile = ClaimFile.from_parent(parent, path=file_path)
    file.scope = session.collection
    return file
