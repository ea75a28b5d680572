"""What the product adds to each framework: latency and accuracy runs against the bare framework, in one table.

    python benchmarks/frameworks.py [--model fashion-cnn] [--rounds 40] [--seconds 0.08] [--batch N] [FRAMEWORK...]

Both sides load the same files in the same environment, on one thread. Latency: a worker under the
scenario single_stream and a process of ``bare.py``, which both stay, take turns (A B B A) with short bursts;
the ratio is the median over the rounds of median by median. Goal: within 3 % at batch 1 and 32. Accuracy:
the whole test set from the file to the number of right answers, against the loop that one would write by
hand (read, prepare, predict, count), both in batches of the size that the claim states (or ``--batch``).
Goal: at least 95 % of its items a second. Both must count the same number right. In brackets: the quartiles
of the rounds.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import statistics
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from pytest_mlmodelscope.agent.agent import Agent
from pytest_mlmodelscope.agent.archive import archive
from pytest_mlmodelscope.agent.environment import Environment, Environments
from pytest_mlmodelscope.claim.expand import expand
from pytest_mlmodelscope.claim.load import load_claims
from pytest_mlmodelscope.core.errors import MlmsError
from pytest_mlmodelscope.core.manifest import DatasetManifest, FrameworkUse, ModelManifest
from pytest_mlmodelscope.core.result import Case
from pytest_mlmodelscope.engine.run import Engine, Settings
from pytest_mlmodelscope.manifest.cache import Cache
from pytest_mlmodelscope.manifest.data import read_split
from pytest_mlmodelscope.manifest.fetch import Fetcher
from pytest_mlmodelscope.manifest.load import Catalogue
from pytest_mlmodelscope.manifest.pipeline import Preparation

ROOT = Path(__file__).resolve().parents[1]
BATCHES = (1, 32)
SLOWEST, FEWEST = 1.03, 0.95


class Bare:
    """A process with the model in its framework and nothing else."""

    def __init__(self, environment: Environment, about: dict[str, Any], folder: Path) -> None:
        # CNTK cannot be imported without the stand-in for MPI that travels with its predictor.
        with zipfile.ZipFile(folder / "worker.zip", "w"):
            pass
        (folder / "worker.zip").write_bytes(archive(about["framework"]))
        variables = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
        threads = {f"{name}_NUM_THREADS": str(about["threads"]) for name in ("OMP", "OPENBLAS", "MKL")}
        self._process = subprocess.Popen(
            [environment.python, str(Path(__file__).with_name("bare.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(folder / "stderr").open("w"),
            text=True,
            env={**variables, **threads, **environment.variables, "HOME": str(folder), "CI": "true",
                 "PYTHONPATH": str(folder / "worker.zip"), "TF_CPP_MIN_LOG_LEVEL": "2"},
        )  # fmt: skip
        self._log = folder / "stderr"
        self.ask(about)

    def ask(self, question: Any) -> Any:
        """The answer to one line of JSON."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise MlmsError("the bare loop failed", got="\n".join(self._log.read_text().splitlines()[-4:]))
        return json.loads(line)

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()


@dataclasses.dataclass(frozen=True)
class Stack:
    """A model on a framework: all that both sides need."""

    case: Case
    environment: Environment
    files: dict[str, Path]
    data: dict[str, Path]

    @property
    def use(self) -> FrameworkUse:
        return self.case.framework

    @property
    def model(self) -> ModelManifest:
        return self.case.model

    def about(self) -> dict[str, Any]:
        """What the bare side is told."""
        inputs, outputs = self.use.inputs or self.model.inputs, self.use.outputs or self.model.outputs
        return {
            "framework": self.use.name,
            "files": {role: str(self.files[name]) for role, name in self.use.assets.items()},
            "options": dict(self.use.options),
            "inputs": [spec.name for spec in inputs],
            "outputs": [spec.name for spec in outputs],
            "threads": 1,
        }

    def request(self) -> Any:
        """What the worker is told."""
        inputs, outputs = self.use.inputs or self.model.inputs, self.use.outputs or self.model.outputs
        shapes = [
            [{"name": spec.name, "dtype": spec.dtype, "shape": list(spec.shape)} for spec in specs]
            for specs in (inputs, outputs)
        ]
        return {
            **{key: self.about()[key] for key in ("files", "options", "threads")},
            "inputs": shapes[0], "outputs": shapes[1], "device": "cpu", "precision": "fp32",
        }  # fmt: skip

    def layout(self) -> str:
        """Where the channels of its pictures are."""
        (spec,) = self.use.inputs or self.model.inputs
        return "NCHW" if spec.shape[1] == 1 else "NHWC"


def stacks(claim_file: Path, frameworks: list[str], batch: int | None = None) -> Iterator[Stack]:
    """The accuracy case of each framework, with its environment and files."""
    cache = Cache()
    fetcher, environments = Fetcher(cache), Environments(cache.root, progress=lambda text: print(f"  {text}"))
    catalogue = Catalogue([ROOT / "manifests"])
    claim = next(claim for claim in load_claims(claim_file) if claim.metric == "accuracy")
    conditions = dataclasses.replace(claim.conditions, threads=1, batch=batch or claim.conditions.batch or 32)
    for case in expand(dataclasses.replace(claim, conditions=conditions), catalogue):
        if frameworks and case.framework.name not in frameworks:
            continue
        assert isinstance(case.dataset, DatasetManifest)
        try:
            environment = environments.obtain(case.framework, case.requirement)
        except MlmsError as error:
            print(f"{case.framework.name}: {error}")
            continue
        files = {name: fetcher.fetch(case.model.assets[name]) for name in case.framework.assets.values()}
        data = {name: fetcher.fetch(asset) for name, asset in case.dataset.assets.items()}
        yield Stack(case, environment, files, data)


@contextmanager
def both(stack: Stack, folder: Path) -> Iterator[tuple[Agent, Bare]]:
    """The product's worker and the bare process, with the model open in both."""
    bare = Bare(stack.environment, stack.about(), folder)
    try:
        with Agent(stack.environment) as agent:
            agent.open(stack.request())
            yield agent, bare
    finally:
        bare.close()


def latencies(stack: Stack, batch: int, rounds: int, seconds: float, folder: Path) -> tuple[float, list[float]]:
    """The bare latency in milliseconds, and product by bare for each round."""
    case = stack.case
    assert case.dataset is not None
    assert case.claim.dataset is not None
    items = read_split(case.dataset, case.dataset.splits[case.claim.dataset.split], Fetcher(Cache()))[:batch]
    query = Preparation(stack.use.inputs or stack.model.inputs, {}).tensors(items)
    np.savez(folder / "query.npz", **query)
    settings: Any = {"warmup": 10, "min_queries": 3, "min_seconds": seconds, "max_seconds": 60.0, "samples": 1, "batch": batch}  # fmt: skip # noqa: E501
    ratios, theirs = [], []
    with both(stack, folder) as (agent, bare):
        for number in range(-1, rounds):
            taken = {}
            for side in ("ours", "bare") if number % 2 else ("bare", "ours"):
                if side == "ours":
                    taken[side] = statistics.median(agent.load("single_stream", [query], settings)["latencies_ns"])
                else:
                    taken[side] = statistics.median(bare.ask(["latency", str(folder / "query.npz"), seconds])["ns"])
            if number >= 0:
                ratios.append(taken["ours"] / taken["bare"])
                theirs.append(taken["bare"] / 1e6)
    return statistics.median(theirs), ratios


def accuracies(stack: Stack, rounds: int, folder: Path) -> tuple[float, list[float]]:
    """Items a second of the bare loop, and product by bare for each round."""
    split = stack.case.dataset.splits[stack.case.claim.dataset.split]  # type: ignore[union-attr]
    assets, batch = split.options["assets"], stack.case.claim.conditions.batch
    question = ["accuracy", *(str(stack.data[assets[part]]) for part in ("inputs", "labels")), batch, stack.layout()]
    ratios, theirs = [], []
    for _ in range(rounds):
        with Engine(Settings()) as engine:
            result = engine.verify(stack.case)
        if result.measurement is None:
            raise MlmsError("the product gives no figure", got=result.verdict.reason)
        # A fresh process on both sides: the first queries of some frameworks compile.
        bare = Bare(stack.environment, stack.about(), folder)
        try:
            answer = bare.ask(question)
        finally:
            bare.close()
        if round(result.measurement.value * answer["items"] / 100) != answer["right"]:
            raise MlmsError("the two sides count differently", expected=answer, got=result.measurement.value)
        ours = result.steps["read_data"] + result.steps["predict"]
        ratios.append(answer["seconds"] / ours)
        theirs.append(answer["items"] / answer["seconds"])
    return statistics.median(theirs), ratios


def row(stack: Stack, arguments: argparse.Namespace) -> list[str]:
    """One line of the table."""
    cells = [stack.use.name, stack.environment.version]
    with tempfile.TemporaryDirectory() as name:
        for batch in BATCHES:
            ms, ratios = latencies(stack, batch, arguments.rounds, arguments.seconds, Path(name))
            cells += [f"{ms:.3f}", _ratio(ratios, statistics.median(ratios) <= SLOWEST)]
        rate, ratios = accuracies(stack, max(5, arguments.rounds // 8), Path(name))
        cells += [f"{rate:,.0f}", _ratio(ratios, statistics.median(ratios) >= FEWEST)]
    return cells


def _ratio(ratios: list[float], is_met: bool) -> str:
    low, _, high = statistics.quantiles(ratios, n=4)
    return f"{statistics.median(ratios):.3f} [{low:.3f}, {high:.3f}]" + ("" if is_met else " NOT MET")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("frameworks", nargs="*")
    parser.add_argument("--model", default="fashion-cnn")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=0.08)
    parser.add_argument("--batch", type=int, help="of the accuracy runs; the claim's, if not given")
    arguments = parser.parse_args()
    table = Table("framework", "version", title=f"{arguments.model}, one thread: product by bare [quartiles]")
    for batch in BATCHES:
        table.add_column(f"batch {batch}, bare ms", justify="right")
        table.add_column(f"ratio (<= {SLOWEST})", justify="right")
    table.add_column("bare items/s", justify="right")
    table.add_column(f"ratio (>= {FEWEST})", justify="right")
    for stack in stacks(ROOT / "claims" / f"{arguments.model}.yml", arguments.frameworks, arguments.batch):
        try:
            table.add_row(*row(stack, arguments))
        except MlmsError as error:
            table.add_row(stack.use.name, stack.environment.version, str(error))
        print(f"{stack.use.name} done", file=sys.stderr)
    Console(width=180).print(table)


if __name__ == "__main__":
    main()
