"""What collecting 10,000 cases from claims takes, against plain ``parametrize``. Goal: at most twice.

    python benchmarks/collection.py [rounds]

Cold: files that were written just before. Warm: the same files again.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from sides import ALONE, alternate, goal, printed

GOAL = 2.0
CASES = 10_000
MODELS = 100
COLLECT = (sys.executable, "-m", "pytest", "--collect-only", "-q", *ALONE)

PLAIN = """
import pytest

@pytest.mark.parametrize("number", range({cases}))
def test_case(number):
    pass
"""

SHARED = """\
schema: claim/1
metric: accuracy
unit: "%"
direction: higher
tolerance: {absolute: 0.05}
dataset: {name: sentences, split: test, relation: same, published: {name: Big test, items: 60000}}
conditions: {frameworks: [python]}
claims:
"""

CLAIM = """\
  - id: model-{model}-claim-{number}
    model: model-{model}
    value: {value:.2f}
    note: >-
      Assumed: the option bestEffort, which the source says it used; the first language of the
      answer; no answer counts as wrong.
    source:
      title: A detector of languages, and how it compares
      authors: [A. Author, B. Author]
      year: 2026
      url: https://example.org/papers/{number}
      where: table {table}, row {number}
      figure: "{value:.2f} %"
      quote: "| model {model} | {value:.2f} % |"
      read: "2026-11-24"
"""

MODEL = """\
schema: model/1
name: model-{model}
version: "1"
description: A detector of languages.
task: language_identification
license: Apache-2.0
inputs: [{{name: text, dtype: string, shape: [batch]}}]
outputs: [{{name: language, dtype: string, shape: [batch]}}]
frameworks:
  python: {{entry: "detector:detect", packages: [detector==1.0]}}
"""

DATASET = """\
schema: dataset/1
name: sentences
version: "1"
description: Sentences with their language.
task: language_identification
license: Apache-2.0
assets:
  sentences: {path: sentences.tsv, sha256: "%s", size: 0, license: Apache-2.0}
splits:
  test: {items: 60000, reader: {table: {asset: sentences, columns: {label: 0, input: 1}}}}
""" % ("0" * 64)


def write(folder: Path, files: int) -> None:
    """10,000 claims in ``files`` files on 100 models, and a test with as many parameters."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("claims", "manifests/models", "manifests/datasets"):
        (folder / name).mkdir(parents=True)
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (folder / "test_plain.py").write_text(PLAIN.format(cases=CASES), encoding="utf-8")
    (folder / "manifests/datasets/sentences.yml").write_text(DATASET, encoding="utf-8")
    (folder / "manifests/datasets/sentences.tsv").touch()
    for model in range(MODELS):
        (folder / f"manifests/models/model-{model}.yml").write_text(MODEL.format(model=model), encoding="utf-8")
    for file in range(files):
        numbers = range(file * CASES // files, (file + 1) * CASES // files)
        text = SHARED + "".join(_claim(number) for number in numbers)
        (folder / f"claims/paper-{file}.yml").write_text(text, encoding="utf-8")


def _claim(number: int) -> str:
    return CLAIM.format(model=number % MODELS, number=number, table=number // MODELS, value=50 + number / 250)


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "project"
        for files in (MODELS, 1):
            write(folder, files)
            compare(f"{files} file(s), cold", folder, rounds, lambda files=files: write(folder, files))
            compare(f"{files} file(s), warm", folder, rounds)


def compare(what: str, folder: Path, rounds: int, before: Callable[[], None] = lambda: None) -> None:
    ours, theirs = (*COLLECT, "--mlms", "claims"), (*COLLECT, "test_plain.py")
    for command in (ours, theirs):
        if f"{CASES} tests collected" not in printed(command, folder):
            sys.exit(f"{' '.join(command)} did not collect {CASES} cases")
    wall, processor = alternate(ours, theirs, rounds, folder, before)
    print(
        f"{what}: {CASES / 1000:.0f},000 cases, ratio {wall.ratio:.2f} by the clock, {processor.ratio:.2f} of the "
        f"processor ({wall.difference:+.2f} s); at most {GOAL:.0f}: {goal(wall.ratio <= GOAL)}"
    )


if __name__ == "__main__":
    main()
