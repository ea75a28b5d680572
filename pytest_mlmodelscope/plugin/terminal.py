"""What a person sees: header, progress, summary."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import pytest

from pytest_mlmodelscope.core.document import shown_path
from pytest_mlmodelscope.core.result import WORDS
from pytest_mlmodelscope.plugin.options import path_value, value

if TYPE_CHECKING:
    from pytest_mlmodelscope.plugin.session import Session

#: Seconds between two lines of progress: often enough to see that it lives, rare enough to read.
PACE = 5.0


class Terminal:
    """Writes to pytest's terminal; absent in xdist's worker processes."""

    def __init__(self, config: pytest.Config, session: Session) -> None:
        self._config = config
        self._session = session
        self._last = time.monotonic()
        session.progress = self._progress
        session.announce = self._write

    @pytest.hookimpl
    def pytest_report_header(self) -> list[str]:
        """On which machine, with what, this runs."""
        from importlib.metadata import version

        machine = self._session.machine
        cores = machine.facts.get("threads")
        evidence = value(self._config, "evidence") or "full"
        claims = ", ".join(shown_path(root) for root in self._session.roots)
        there = f"on {machine.address}: " if machine.address else ""
        network = ", offline" if self._session.asked.offline else ""
        return [
            f"mlms: {there}{machine.arch}, {machine.name}, {cores} threads, {machine.memory / 2**30:.1f} GiB; "
            f"pytest-mlmodelscope {version('pytest-mlmodelscope')}, onnxruntime {version('onnxruntime')}",
            f"mlms: claims: {claims}; evidence: {evidence}{network}; baselines of: {machine.machine_class}",
        ]

    def _progress(self, text: str) -> None:
        now = time.monotonic()
        if now - self._last >= PACE:
            self._last = now
            self._write(text)

    def _write(self, text: str) -> None:
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is None:
            return
        with self._uncaptured():
            reporter.ensure_newline()
            reporter.write_line(f"  {text}", cyan=True)

    def _uncaptured(self) -> AbstractContextManager[None]:
        """Past pytest's capture of the running test's output, straight to the terminal."""
        capture = self._config.pluginmanager.get_plugin("capturemanager")
        return nullcontext() if capture is None else capture.global_and_fixture_disabled()

    @pytest.hookimpl
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """The table of claims and where the record went."""
        from pytest_mlmodelscope.reports.terminal import session
        from pytest_mlmodelscope.verdict.together import together

        if self._session.unwritten is not None:
            terminalreporter.write_line(f"ERROR: {self._session.unwritten}", red=True)
        if (landed := self._session.landed) is not None and landed.why:
            terminalreporter.write_line(str(landed), yellow=True)
        records = self._session.records
        if not records or self._config.get_verbosity() < -1:
            return
        writer = terminalreporter._tw  # the only way to the terminal's width and colour
        terminalreporter.section("published claims")
        terminalreporter.write_line(session(records, width=writer.fullwidth, colour=writer.hasmarkup))
        counts = Counter(str(record["verdict"]) for record in records)
        said = ", ".join(f"{counts[word]} {word.replace('_', ' ')}" for word in WORDS if counts[word])
        terminalreporter.write_line(said)
        accepted = sum(record["known"] is not None and record["known"]["matched"] for record in records)
        if accepted:
            terminalreporter.write_line(f"{accepted} of these verdicts accepted by known.yml; --runxfail counts them")
        if left := self._session.left_out:
            targets = " or ".join(dict.fromkeys(case.target for case in left))
            terminalreporter.write_line(f'{len(left)} more are verified on request: -m "{targets}", -k or their ids')
        whole = together(records, self._session.error)
        if whole is not None:
            terminalreporter.write_line(str(whole))
        for line in (*disturbed(records), *in_reach(records)):
            terminalreporter.write_line(line, yellow=True)
        self._across(terminalreporter)
        self._where(terminalreporter)

    def _across(self, terminalreporter: pytest.TerminalReporter) -> None:
        """What only several cases together show."""
        from pytest_mlmodelscope.record.findings import findings
        from pytest_mlmodelscope.record.matrix import matrices
        from pytest_mlmodelscope.reports.terminal import matrices as shown

        writer, cases = terminalreporter._tw, self._session.sorted_records()
        if found := matrices(cases):
            terminalreporter.section("one model on several frameworks")
            terminalreporter.write_line(shown(found, width=writer.fullwidth, colour=writer.hasmarkup))
        for finding in findings(cases):
            terminalreporter.write_line(f"WARNING: {finding['text']}", yellow=True)

    def _where(self, terminalreporter: pytest.TerminalReporter) -> None:
        for target in self._session.written:
            terminalreporter.write_line(f"benchmark JSON: {shown_path(target)}")
        if (landed := self._session.landed) is not None and landed.digest:
            terminalreporter.write_line(str(landed))
        if value(self._config, "record"):
            root = path_value(self._config, "baselines", "baselines")
            assert root is not None  # it has a default
            terminalreporter.write_line(f"baselines recorded in {shown_path(root)}")


def disturbed(records: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """What became of the process runs of timed cases that something disturbed: one line, or none."""
    runs = [run for record in records for run in (record.get("watched") or {}).get("runs") or ()]
    counts = Counter(run["use"] for run in runs if run["why"])
    if counts:
        what = ", ".join(f"{count} {use}" for use, count in counts.items())
        yield f"{sum(counts.values())} of {len(runs)} timed process runs were disturbed: {what}. See docs/machine.md"


def in_reach(records: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """What the models of these records could reach that they should not: one line, or none."""
    held = [record["software"]["isolation"] for record in records if "isolation" in record["software"]]
    files = any(one["files"] == "host" for one in held)
    network = any(one["network"] == "host" for one in held)
    if files or network:
        what = " and ".join(["your files"] * files + ["the network"] * network)
        reasons = "; ".join({reason: None for one in held for reason in one["missing"]}) or "isolation is off"
        yield f"models could reach {what}: {reasons}. See docs/isolation.md; --mlms-isolation=required refuses that"
