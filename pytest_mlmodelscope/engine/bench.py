"""What the cases of a session share: how they are measured, files, environments, the last worker."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from pytest_mlmodelscope.agent.care import USUAL, Care
from pytest_mlmodelscope.core.errors import MlmsError
from pytest_mlmodelscope.core.manifest import FrameworkUse, Split
from pytest_mlmodelscope.core.result import Case, Measurement, Result
from pytest_mlmodelscope.engine.staged import Asked, Staged, naming
from pytest_mlmodelscope.engine.sut import Sut, assets_used, require, require_files, stage_case
from pytest_mlmodelscope.interfaces.dataset import Item
from pytest_mlmodelscope.manifest.chain import Chain
from pytest_mlmodelscope.manifest.data import read_split, sampled
from pytest_mlmodelscope.manifest.kinds import answering
from pytest_mlmodelscope.verdict.gate import MARGIN
from pytest_mlmodelscope.verdict.judge import judge

if TYPE_CHECKING:
    from pytest_mlmodelscope.agent.agent import Agent
    from pytest_mlmodelscope.agent.environment import Environment
    from pytest_mlmodelscope.agent.limits import Limits
    from pytest_mlmodelscope.agent.pool import Opened
    from pytest_mlmodelscope.core.framework import Place
    from pytest_mlmodelscope.interfaces.target import Machine


@dataclass(frozen=True, slots=True)
class Settings:
    """How a session measures. ``sample`` items of a dataset are evaluated at most; None is all. With
    ``sequential`` they are evaluated in random order until they decide.

    ``baselines`` is the folder that results are compared with, or with ``record`` written to. ``care`` is
    taken of timed runs. ``error`` is the probability of a wrong verdict, for refutations over all of so many
    ``claims`` whose evidence is left to chance. ``announce`` says what is always to be seen, ``progress`` what
    may be. Timed cases run side by side with ``against``, a framework or a version of one; with ``aa``
    against themselves, for so many blocks. ``margin`` is the share within which two sides are equivalent.

    ``engine`` issues the queries of timed runs instead of the scenarios themselves: one of ``ENGINES``.
    """

    cache: Path | None = None
    offline: bool = False
    sample: int | None = None
    baselines: Path | None = None
    record: bool = False
    limits: Limits | None = None
    care: Care = USUAL
    against: str | None = None
    aa: int = 0
    margin: float = MARGIN
    engine: str | None = None
    progress: Callable[[str], None] = lambda text: None
    sequential: bool = False
    error: float = 0.05
    claims: int = 1
    announce: Callable[[str], None] = lambda text: None


#: What can issue queries instead of a scenario itself, and the package that its environment has to have.
ENGINES: Final = {"loadgen": "mlcommons-loadgen>=6"}


class Bench:
    """Sets cases up, one after another, and keeps what they share; close it to end the last worker."""

    def __init__(self, settings: Settings) -> None:
        from pytest_mlmodelscope.agent.engines import Engines
        from pytest_mlmodelscope.agent.environment import Environments
        from pytest_mlmodelscope.agent.pool import Pool
        from pytest_mlmodelscope.agent.recipe import Recipes
        from pytest_mlmodelscope.manifest.cache import Cache
        from pytest_mlmodelscope.manifest.fetch import Fetcher

        self.settings = settings
        self.cache = Cache(settings.cache)
        self._environments = Environments(self.cache.root, settings.offline, settings.progress)
        make = Recipes(self._environments, settings.limits)
        self._fetcher = Fetcher(self.cache, settings.offline, settings.progress, make)
        self._pool = Pool(settings.limits)
        self._engines = Engines(self.cache)

    def close(self) -> None:
        """End the worker that is still open."""
        self._pool.close()

    def set_up(self, case: Case) -> tuple[Sut, dict[str, float]]:
        """The case with its machine, files and environment; and the seconds of what that took.

        Raises:
            NotApplicable, EnvironmentUnavailable, OfflineError: it cannot run here.
            MlmsError: anything else that is wrong with it.
        """
        clock = Stopwatch()

        def fetched(one: Case) -> dict[str, Path]:
            files = {name: self._fetcher.fetch(one.model.assets[name]) for name in assets_used(one)}
            clock.lap("fetch_model")
            return files

        def obtained(one: Case, place: Place) -> Environment:
            environment = self._environments.obtain(self._with_engine(one.framework), one.requirement, place)
            clock.lap("environment")
            return environment

        return _sut(case, fetched, obtained), clock.laps

    def at_hand(self, case: Case) -> Sut:
        """The same of what is here already: nothing is built, fetched or made.

        Raises:
            NotApplicable: it cannot run here.
            EnvironmentUnavailable: its environment would have to be built.
            AssetError: a file of its model would have to be fetched or made.
        """
        from pytest_mlmodelscope.manifest.fetch import Fetcher

        # Without somebody who makes it, a recipe that would have to run is refused.
        kept = Fetcher(self.cache, offline=True)
        return _sut(
            case,
            lambda one: {name: kept.fetch(one.model.assets[name]) for name in assets_used(one)},
            lambda one, place: self._environments.at_hand(one.framework, one.requirement, place),
        )

    def _with_engine(self, use: FrameworkUse) -> FrameworkUse:
        if self.settings.engine is None:
            return use
        return dataclasses.replace(use, packages=(*use.packages, ENGINES[self.settings.engine]))

    # -- data -----------------------------------------------------------------------------

    def read(self, sut: Sut, split: Split) -> list[Item]:
        """All items of a split of the case's dataset, in their published order."""
        assert sut.case.dataset is not None  # only claims with data have a split
        return read_split(sut.case.dataset, split, self._fetcher)

    def data_file(self, sut: Sut, asset: str) -> Path:
        """Where a file of the case's dataset lies, fetched if it has to be."""
        assert sut.case.dataset is not None  # only claims with data have files of them
        return self._fetcher.fetch(sut.case.dataset.assets[asset])

    def model_file(self, sut: Sut, asset: str) -> Path:
        """Where a file of the case's model lies that its framework does not need, fetched if it has to be."""
        return self._fetcher.fetch(sut.case.model.assets[asset])

    def some_items(self, sut: Sut) -> list[Item]:
        """Those of the claim's split that are to be evaluated."""
        return sampled(self.read(sut, sut.split), self.sample_size(sut.case), sut.data_name)

    def sample_size(self, case: Case) -> int | None:
        """The fewest of what the user and the claim want evaluated; None is everything."""
        wanted = [case.claim.dataset.items if case.claim.dataset else None, self.settings.sample]
        return min((count for count in wanted if count is not None), default=None)

    def query(self, sut: Sut) -> Mapping[str, Any]:
        """The first of the dataset's items as one query; empty where the claim names no data."""
        if sut.case.dataset is None:
            return {}
        before, _ = sut.pipeline()
        return before.tensors(self.read(sut, sut.split)[: before.batch_size(sut.case.claim.conditions.batch or 1)])

    # -- workers --------------------------------------------------------------------------

    def worker(self, sut: Sut, key: tuple[Any, ...] | None = None, room: int = 1) -> Opened:
        """A worker that has the case's model open: the one that is there where it has, else a new one.

        ``room`` is how many may be open at once.
        """
        if sut.stages:
            return self._staged(sut, max(room, sut.workers))
        request: Any = {**sut.open_request(), "kept": self._engines.found(sut.engine_key)}
        key = key or sut.worker_key
        return self._pool.get(key, sut.environment, request, lambda agent: self._train(sut, agent), room)

    def _staged(self, sut: Sut, room: int) -> Opened:
        """The workers of a pipeline's stages, in the place of one."""
        from pytest_mlmodelscope.agent.pool import Opened

        asked, software = [], {}
        for stage in sut.case.model.stages:
            of_stage = sut.stages[stage.name]
            with naming(stage):
                opened = self.worker(of_stage, room=room)
            software[stage.name] = opened.software
            asked.append(Asked(stage, opened.agent, *of_stage.pipeline(), Chain(stage.steps, sut.files)))
        told = {**software[answering(sut.case.model.outputs).name], "stages": software}
        if sut.case.framework.stages:
            told["framework"] = sut.case.framework.name
            told["version"] = "+".join(str(of_stage["version"]) for of_stage in software.values())
        # It answers whatever is asked of the worker of a pipeline; the rest is refused before.
        return Opened(cast("Agent", Staged(asked)), told)

    def keep_built(self, sut: Sut, agent: Agent) -> None:
        """Keep what a worker built of the model, for the next one that can use it."""
        if sut.stages:
            for asked in cast("Any", agent).stages:
                self.keep_built(sut.stages[asked.stage.name], asked.agent)
            return
        self._engines.keep(sut.engine_key, agent.built(), sut.engine)

    def _train(self, sut: Sut, agent: Agent) -> None:
        case = sut.case
        fit = case.framework.options.get("fit")
        if fit is None or case.dataset is None:
            return
        name = fit.get("split", "train")
        if name not in case.dataset.splits:
            raise MlmsError(f"{case.dataset.name} has no split to train on", hint=f'add a split "{name}"')
        items = self.read(sut, case.dataset.splits[name])
        self.settings.progress(f"{case.id}: training on {len(items):,} items")
        agent.fit(sut.pipeline()[0].tensors(items), [item.label for item in items])


def _sut(
    case: Case, files: Callable[[Case], Mapping[str, Path]], environment: Callable[[Case, Place], Environment]
) -> Sut:
    """A case with its machine and its stages, and what gives its files and its environment asked for each."""
    from pytest_mlmodelscope.targets import chosen, named

    machine = chosen(named(case.target), case.claim.conditions.hardware)
    require_files(case)
    if case.model.stages:
        stages = {}
        for stage in case.model.stages:
            with naming(stage):
                stages[stage.name] = _sut(stage_case(case, stage), files, environment)
        answer = answering(case.model.outputs).name
        return Sut(case, machine, files(case), stages[answer].environment, stages)
    require(case, machine)
    own = files(case)
    return Sut(case, machine, own, _for_worker(environment(case, machine.place), case, machine))


def _for_worker(environment: Environment, case: Case, machine: Machine) -> Environment:
    """The environment with the variables that the case's worker gets."""
    variables = {**environment.variables, **machine.variables, **case.framework.variables}
    return dataclasses.replace(environment, variables=variables)


class Stopwatch:
    """Seconds of named parts of a run, one after another."""

    def __init__(self) -> None:
        self._last = time.perf_counter()
        self.laps: dict[str, float] = {}

    def lap(self, name: str) -> None:
        """End a part, and begin the next."""
        now = time.perf_counter()
        self.laps[name], self._last = self.laps.get(name, 0.0) + now - self._last, now


def judged(sut: Sut, measurement: Measurement, software: Mapping[str, Any]) -> Result:
    """The measurement of a case, judged against its claim."""
    case = sut.case
    digest = case.dataset.digest if case.dataset else None
    return Result(case, judge(case.claim, measurement), measurement, software=software, data_digest=digest)
