"""The plugin of a run that verifies claims: collects, runs, reports, writes the record."""

from __future__ import annotations

import functools
import gc
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_mlmodelscope.claim.expand import left_to_chance, selection
from pytest_mlmodelscope.claim.known import Known, load_known
from pytest_mlmodelscope.core.bundled import bundled_root
from pytest_mlmodelscope.core.errors import MlmsError
from pytest_mlmodelscope.core.registry import names
from pytest_mlmodelscope.core.result import Case, Result, Verdict
from pytest_mlmodelscope.plugin import cases, junit
from pytest_mlmodelscope.plugin.choosing import leave_out, refuse_twins
from pytest_mlmodelscope.plugin.collect import ClaimCase, ClaimFile, Collection, collect_file, markers
from pytest_mlmodelscope.plugin.options import path_value, value
from pytest_mlmodelscope.plugin.outcomes import Policy, decide
from pytest_mlmodelscope.plugin.settings import Asked
from pytest_mlmodelscope.plugin.terminal import Terminal

if TYPE_CHECKING:
    from pytest_mlmodelscope.engine.run import Engine
    from pytest_mlmodelscope.interfaces.target import Machine
    from pytest_mlmodelscope.record.local import Landed


def start(config: pytest.Config) -> None:
    """Register everything that a verifying run needs.

    Raises:
        UsageError: an option is wrong.
    """
    _register_markers(config)
    try:
        session = Session(config)
    except MlmsError as error:
        raise pytest.UsageError(str(error)) from None
    config.pluginmanager.register(session, cases.SESSION)
    config.pluginmanager.register(cases, "mlms-cases")
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Terminal(config, session), "mlms-terminal")


def _register_markers(config: pytest.Config) -> None:
    for name in names("targets"):
        config.addinivalue_line("markers", f"{name}: a claim verified on this kind of target (pytest-mlmodelscope)")
    for name in names("frameworks"):
        config.addinivalue_line("markers", f"{name}: a claim verified with this framework (pytest-mlmodelscope)")


class Session:
    """One verifying run: its settings, its collection, the records of its cases."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self.roots = self._claim_roots()
        self._point_at_claims()
        manifests = [config.rootpath / "manifests", *self._manifest_roots()]
        chosen = selection(value(config, "framework"), value(config, "target"))
        self.collection = Collection(chosen, manifests, self._known(), self.roots)
        self.asked = Asked(config)
        self._policy = Policy(bool(value(config, "strict")), frozenset(self._required()))
        self.records: list[dict[str, Any]] = []
        #: What is verified on request only, and nobody asked for.
        self.left_out: list[Case] = []
        self.unwritten: str | None = None
        self.written: list[Path] = []
        self.landed: Landed | None = None
        self._refuse_places_of_records()
        self.progress: Callable[[str], None] = _silent
        self.announce: Callable[[str], None] = _silent
        self._chances = 0

    # -- settings -------------------------------------------------------------------------

    def _claim_roots(self) -> list[Path]:
        given = value(self._config, "claims")
        if given:
            return [self._config.rootpath / path for path in given]
        own = self._config.rootpath / "claims"
        return [own if own.is_dir() else bundled_root() / "claims"]

    def _manifest_roots(self) -> list[Path]:
        given = [self._config.rootpath / path for path in value(self._config, "manifests")]
        for root in given:
            if not root.is_dir():
                raise pytest.UsageError(f"--mlms-manifests: there is no folder {root}")
        return given

    def _refuse_places_of_records(self) -> None:
        target = path_value(self._config, "json")
        if target is not None and target.is_dir():
            raise pytest.UsageError(f"--mlms-json: {target} is a folder; name a file")
        folder = path_value(self._config, "history")
        if folder is not None and folder.is_file():
            raise pytest.UsageError(f"--mlms-history: {folder} is a file; name a folder")

    def _point_at_claims(self) -> None:
        """Where no path is given, ``--mlms`` verifies the claims alone, and the setting ``mlms`` adds
        them to the tests that ``testpaths`` names.
        """
        roots, source = [str(path) for path in self.roots], self._config.args_source
        if source is pytest.Config.ArgsSource.ARGS:
            return
        if self._config.getoption("mlms"):
            self._config.args[:] = roots
        elif source is pytest.Config.ArgsSource.TESTPATHS:
            self._config.args.extend(root for root in roots if root not in self._config.args)

    def _known(self) -> list[Known]:
        base = self._config.invocation_params.dir
        return [entry for path in value(self._config, "known") for entry in load_known(base / path)]

    def _required(self) -> list[str]:
        given: list[str] = value(self._config, "require")
        allowed = {"all", *names("targets"), *names("frameworks")}
        for name in given:
            if name not in allowed:
                raise pytest.UsageError(f'--mlms-require: no target or framework is called "{name}"')
        return given

    def _progress(self, text: str) -> None:
        self.progress(text)

    def _announce(self, text: str) -> None:
        self.announce(text)

    def make_engine(self) -> Engine:
        """The engine of this process."""
        from pytest_mlmodelscope.engine.run import Engine

        return Engine(self.asked.of_engine(self._chances, self._progress, self._announce))

    # -- cases ----------------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True)
    def pytest_collection(self) -> Generator[None, object, object]:
        """Collect without the garbage collector, which would look at every new item again and again.

        What was collected stays until the end of the run, so the collector need not look at it later
        either: with 10,000 cases that is a third of the time that collecting takes.
        """
        was_enabled = gc.isenabled()
        gc.disable()
        try:
            return (yield)
        finally:
            gc.freeze()
            if was_enabled:
                gc.enable()

    @pytest.hookimpl
    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> ClaimFile | None:
        """Collect YAML files of claims."""
        return collect_file(self, file_path, parent)

    @pytest.hookimpl
    def pytest_collection_modifyitems(self, session: pytest.Session, items: list[pytest.Item]) -> None:
        """Refuse two cases of one name, and leave out what nobody asked for."""
        refuse_twins(items)
        self.left_out = leave_out(self._config, self.collection, session, items)

    @pytest.hookimpl
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Count the cases whose evidence is left to chance: they are refuted at a common error."""
        sample, sequential = self.asked.evidence.sample, self.asked.evidence.sequential
        cases = (item.case for item in session.items if isinstance(item, ClaimCase))
        self._chances = sum(left_to_chance(case, sample, sequential) for case in cases)

    def wants_cause(self, item: pytest.Item, result: Result) -> bool:
        """Whether to look for what explains a figure: a refuted one over items that nobody has accepted as refuted."""
        from pytest_mlmodelscope.library.verifying import wants_cause

        return self.asked.why > 0 and wants_cause(result, getattr(item, "known", None))

    def finish(self, item: pytest.Item, result: Result) -> None:
        """Keep the record of a result and let its verdict end the test."""
        assert isinstance(item, ClaimCase)
        self._keep(item, result)
        decide(result, item.known, self._policy, markers(item.case), item.nodeid)

    def _keep(self, item: ClaimCase, result: Result) -> None:
        from pytest_mlmodelscope.library.verifying import accepted
        from pytest_mlmodelscope.record.case import case_record

        item.record = case_record(result, accepted(result, item.known))
        item.user_properties.extend(junit.of_case(self._config, item.record))
        self._config.hook.pytest_mlms_case_finished(item=item, record=item.record)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Send the record along with the report, so that it also arrives from other processes."""
        if isinstance(item, ClaimCase) and item.record is None and _broke(call):
            self._keep(item, Result(item.case, Verdict("error", _cause(call))))
        report = yield
        if isinstance(item, ClaimCase) and item.record is not None and not hasattr(item, "sent"):
            report.mlms = item.record  # type: ignore[attr-defined]  # reports carry extra attributes
            item.sent = True  # type: ignore[attr-defined]
        return report

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Gather the records of this process and of others."""
        record = getattr(report, "mlms", None)
        if record is not None:
            self.records.append(record)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Add the verdicts to JUnit's file, and write the benchmark JSON.

        Where that fails the run does too, but not without having shown what it found.
        """
        junit.add_to_suite(self._config, self.records)
        if hasattr(self._config, "workerinput"):
            return
        try:
            self._write([path for path in (path_value(self._config, "json"), self._into_history()) if path is not None])
        except (MlmsError, OSError) as error:
            self.unwritten = f"the benchmark JSON could not be written: {error}"
            session.exitstatus = pytest.ExitCode.USAGE_ERROR
        self._land()

    def _land(self) -> None:
        """Keep the record in the store of this machine, unless nothing was verified, or only the gate was tried."""
        if not self.records or value(self._config, "aa"):
            return
        from pytest_mlmodelscope.manifest.cache import Cache
        from pytest_mlmodelscope.record.local import keep, place

        where = place(Cache(path_value(self._config, "cache")).root, self._store())
        if where is not None:
            self.landed = keep(self.record, where)

    def _store(self) -> str | Path | None:
        """Where the store is, as it was given: ``off``, an address, or a file."""
        given = value(self._config, "store")
        return given if given is None or given == "off" or "://" in given else path_value(self._config, "store")

    def _write(self, targets: Sequence[Path]) -> None:
        from pytest_mlmodelscope.record.build import write

        if targets:
            for target in targets:
                write(self.record, target)
                self.written.append(target)

    def _into_history(self) -> Path | None:
        """A new file in the folder of the history, where there is one and this run verified anything."""
        folder = path_value(self._config, "history")
        if folder is None or not self.records:
            return None
        from pytest_mlmodelscope.record.files import new_name

        return folder / new_name()

    @property
    def error(self) -> float:
        """The chance of a false refutation that is granted to the session."""
        return self.asked.evidence.error

    def sorted_records(self) -> list[dict[str, Any]]:
        """The records of all cases, whichever process they came from, in the order of their ids."""
        return sorted(self.records, key=lambda record: str(record["id"]))

    @functools.cached_property
    def machine(self) -> Machine:
        """What the cases run on: another machine, where all of them do and it can be reached; else this one."""
        from pytest_mlmodelscope.targets import local_cpu, named

        targets = value(self._config, "target")
        if len(targets) == 1 and "://" in targets[0] and not self._config.getoption("collectonly"):
            with suppress(MlmsError):
                return named(targets[0]).probe()
        return local_cpu()

    @functools.cached_property
    def record(self) -> dict[str, Any]:
        """The benchmark JSON of this session, once it is finished."""
        from pytest_mlmodelscope.record.build import build
        from pytest_mlmodelscope.record.machine import machine_facts, software_facts

        how = value(self._config, "evidence") or "full"
        settings = {"evidence": how, "error": self.error, "offline": self.asked.offline}
        return build(self.sorted_records(), machine_facts(self.machine), software_facts(), None, settings)


def _cause(call: pytest.CallInfo[None]) -> str:
    assert call.excinfo is not None  # _broke has looked
    return f"the test broke: {call.excinfo.exconly(tryshort=True)}"


def _silent(text: str) -> None:
    """No terminal to write to."""


def _broke(call: pytest.CallInfo[None]) -> bool:
    return call.excinfo is not None and not call.excinfo.errisinstance((pytest.skip.Exception, KeyboardInterrupt))
