"""The other frameworks of a model: is the published figure reached on one of those that are here already?"""

from __future__ import annotations

import dataclasses
import shlex
import time
from collections.abc import Iterator

from pytest_mlmodelscope.cause.beside import Beside, NotTried, compare
from pytest_mlmodelscope.cause.search import Question
from pytest_mlmodelscope.cause.trial import Trial
from pytest_mlmodelscope.claim.expand import Requirement, admitted
from pytest_mlmodelscope.core.errors import (
    AssetError,
    EnvironmentUnavailable,
    MlmsError,
    NotApplicable,
)
from pytest_mlmodelscope.core.result import Case
from pytest_mlmodelscope.engine.asking import Asked, declared
from pytest_mlmodelscope.engine.bench import Bench
from pytest_mlmodelscope.engine.sut import Sut


def siblings(bench: Bench, sut: Sut) -> tuple[list[Sut], list[NotTried]]:
    """The case on the other frameworks that its claim is about: those at hand, and why the others are not.

    Those that cannot run here at all are not told of.
    """
    there: list[Sut] = []
    absent: list[NotTried] = []
    for use in admitted(sut.case.claim, sut.case.model):
        case = _on(sut.case, use)
        if case.id == sut.case.id or (use.name == sut.case.framework.name and not use.version):
            continue
        try:
            there.append(_at_hand(bench, case))
        except NotApplicable:
            continue
        except EnvironmentUnavailable:
            absent.append(NotTried(title(case), "not built here", _build(case)))
        except AssetError:
            absent.append(NotTried(title(case), "whose files are not here yet"))
        except MlmsError as error:
            absent.append(NotTried(title(case), error.what))
    return there, absent


def compared(
    bench: Bench, others: list[Sut], question: Question, own: Trial, deadline: float
) -> Iterator[Beside | NotTried]:
    """How each of them compares, one after another, until the time is up."""
    for sut in others:
        if time.monotonic() > deadline:
            yield NotTried(title(sut.case), "as the time was up")
            continue
        bench.settings.progress(f"{sut.case.claim.id}: the same items on {title(sut.case)}")
        subject = Asked(bench, sut)
        yield compare(title(sut.case), subject, declared(sut), question, own, len(others), deadline)


def title(case: Case) -> str:
    """A framework, with its version where the claim names one."""
    return case.framework.name + case.requirement


def _on(case: Case, use: Requirement) -> Case:
    return dataclasses.replace(case, framework=case.model.frameworks[use.name], requirement=use.version)


def _at_hand(bench: Bench, case: Case) -> Sut:
    if "fit" in case.framework.options:
        raise MlmsError("which would have to be trained first")
    return bench.at_hand(case)


def _build(case: Case) -> str:
    """The command that builds its environment."""
    use = case.framework
    versions = ",".join(text for text in (case.requirement, use.version or "") if text)
    words = ["mlms", "env", "build", shlex.quote(use.name + versions)]
    for package in use.packages:
        words += ["--with", shlex.quote(package)]
    return " ".join(words if case.target == "cpu" else [*words, "--target", case.target])
