"""Every place of every kind of file, made wrong in every way: told in few words, never a traceback."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_mlmodelscope.claim.known import load_known
from pytest_mlmodelscope.claim.load import load_claims
from pytest_mlmodelscope.core.errors import DocumentError
from pytest_mlmodelscope.manifest.load import load_dataset, load_model

SHA = "a" * 64
FILES: dict[str, tuple[Any, str]] = {
    "claim": (
        load_claims,
        """\
        schema: claim/1
        model: net
        dataset: {name: digits, split: test, items: 3, relation: sample, published: {name: Q, items: 100}}
        metric: {name: f1, average: macro}
        unit: "%"
        direction: higher
        conditions:
          frameworks: ["pytorch>=2"]
          hardware: {device: cpu, memory: 1 GB, name: Xeon, arch: x86_64, features: [avx2], cores: 2}
          threads: 1
          precision: fp32
          batch: 2
          scenario: offline
          percentile: 50
          measures: model
          runs: 2
          seconds: 0.1
        claims:
        - id: one
          value: 25.3
          tolerance: {absolute: 0.05}
          source: {title: A, authors: [B], year: 2016, where: T, figure: "25.3 %", read: "2026-11-24"}
        """,
    ),
    "known": (
        load_known,
        """\
        schema: known/1
        known:
        - {claim: one, framework: pytorch, verdict: [refuted, inconclusive], reason: because it is so}
        """,
    ),
    "model": (
        load_model,
        f"""\
        schema: model/1
        name: net
        version: "1"
        task: toy
        license: MIT
        description: A network.
        assets:
          graph: {{package: net==1, kind: sdist, file: a.gz, member: b, sha256: {SHA}, size: 1, license: MIT}}
          made:
            recipe: {{script: b.py, framework: python, version: ">=3", packages: [s==1], from: {{g: graph}}, makes: c}}
            sha256: {SHA}
            size: 1
            license: MIT
        inputs:
        - {{name: x, dtype: float32, shape: [batch, 2], field: f, steps: [decode, {{resize: {{size: [2, 2]}}}}]}}
        - {{name: c, dtype: int64, shape: [1], constant: 1}}
        outputs: [{{name: y, steps: [{{top_k: {{k: 5}}}}, {{labels: {{asset: graph}}}}]}}]
        frameworks:
          onnxruntime: {{assets: {{model: graph}}, version: ">=1"}}
          python: {{packages: [net==1], entry: "net:f", construct: {{kwargs: {{a: 1}}}}, fit: {{split: train}}}}
        """,
    ),
    "dataset": (
        load_dataset,
        f"""\
        schema: dataset/1
        name: digits
        version: "1"
        license: MIT
        description: Some.
        assets:
          t: {{url: "https://example.org/t", mirrors: ["https://example.com/t"], sha256: {SHA}, size: 1, license: MIT}}
        splits:
          test:
            items: 1
            exclude_labels: [a]
            reader: {{table: {{asset: t, header: true, columns: {{label: y, input: {{a: 0, b: [1, 2]}}}}}}}}
        """,
    ),
}
#: Each of another type, or beyond what any place can mean.
WRONG = [None, "", "é\u202e", "x" * 20_000, -1, 1.5, 10**30, float("nan"), True, [], {}, [[[]]], {"a": {"b": 1}}]


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in a document."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield (*at, key)
        yield from places(inner, (*at, key))


def mistakes(document: Any) -> Iterator[Any]:
    """The document with one mistake, for each place and each kind of mistake."""
    for *way, last in places(document):
        for wrong in WRONG:
            made, inner = changed(document, way)
            inner[last] = wrong
            yield made
        made, inner = changed(document, way)
        del inner[last]
        yield made
        if isinstance(last, str):
            made, inner = changed(document, way)
            inner[last + "x"] = inner.pop(last)
            yield made


def changed(document: Any, way: list[Any]) -> tuple[Any, Any]:
    """A copy of the document, and the part of it at the end of the way."""
    made = inner = copy.deepcopy(document)
    for key in way:
        inner = inner[key]
    return made, inner


@pytest.mark.parametrize("kind", FILES)
def test_every_mistake_is_told_with_its_place_and_in_few_words(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    load, text = FILES[kind]
    document = yaml.safe_load(text)
    path = Path("net.yml")
    path.write_text(yaml.safe_dump(document))
    load(path)  # without a mistake it is read
    told = [text for text in (answer(load, path, wrong) for wrong in mistakes(document)) if text is not None]
    assert len(told) > 50
    assert not [text[:200] for text in told if not text.startswith("net.yml:") or len(text) > 13_000]


def answer(load: Any, path: Path, document: Any) -> str | None:
    """What is said about a document; None where it is accepted."""
    path.write_text(yaml.safe_dump(document, allow_unicode=True))
    try:
        load(path)
    except DocumentError as error:
        return str(error)
    return None


def test_what_is_absurdly_large_is_refused_by_all(tmp_path):
    claim = yaml.safe_load(FILES["claim"][1])
    for key in ("threads", "batch", "runs", "seconds"):
        made, conditions = changed(claim, ["conditions"])
        conditions[key] = 1e308
        (tmp_path / "net.yml").write_text(yaml.safe_dump(made))
        with pytest.raises(DocumentError, match=key):
            load_claims(tmp_path / "net.yml")
