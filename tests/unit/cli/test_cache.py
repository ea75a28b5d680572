"""``mlms cache`` as a user sees it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from pytest_mlmodelscope.cli.cache import size
from pytest_mlmodelscope.cli.main import cli
from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.core.manifest import Asset
from pytest_mlmodelscope.manifest.cache import Cache
from pytest_mlmodelscope.manifest.digest import measure
from pytest_mlmodelscope.manifest.fetch import Fetcher
from pytest_mlmodelscope.record.kept import Kept, outputs_of
from pytest_mlmodelscope.store import arrays, predictions


@pytest.fixture
def mlms(tmp_path, monkeypatch):
    monkeypatch.setenv("MLMS_CACHE", str(tmp_path / "cache"))
    return lambda *args: CliRunner().invoke(cli, ["cache", *map(str, args)])


@pytest.fixture
def kept(mlms, tmp_path):
    """Three kept files of 1, 2 and 3 kB, and where they lie."""
    places = []
    for letter, count in (("a", 1000), ("b", 2000), ("c", 3000)):
        source = tmp_path / f"{letter}.bin"
        source.write_bytes(letter.encode() * count)
        sha256, total = measure(source)
        places.append(Fetcher(Cache()).fetch(Asset(letter, sha256, total, "MIT", url=source.as_uri())))
    return places


def _listed(mlms):
    return [row["from"].rpartition("/")[2] for row in json.loads(mlms("list", "--json").output)]


def test_an_empty_cache_lists_nothing(mlms, tmp_path):
    result = mlms("list")
    assert (result.exit_code, result.output) == (0, f"0 kept, 0 B, in {tmp_path / 'cache'}\n")
    assert mlms("list", "--json").output == "[]\n"


def test_the_list_says_what_is_kept_and_where_it_came_from(mlms, kept):
    lines = mlms("list").output.splitlines()
    assert [line.split()[1:4] for line in lines[:3]] == [[n, "kB", "object"] for n in ("1.0", "2.0", "3.0")]
    assert lines[0].endswith("a.bin")
    assert lines[3].startswith("3 kept, 6.0 kB, in ")


def test_the_list_as_json_has_all_there_is_to_know(mlms, kept):
    row = json.loads(mlms("list", "--json").output)[0]
    assert row["kind"] == "object"
    assert row["size"] == 1000
    assert row["sha256"] == row["name"] == kept[0].name
    assert row["last_used"].endswith("+00:00")


def test_verifying_what_is_right_succeeds(mlms, kept):
    result = mlms("verify")
    assert result.exit_code == 0
    assert result.output.startswith("0 damaged and removed")


def test_verifying_what_is_damaged_fails_and_names_it(mlms, kept):
    kept[1].chmod(0o644)
    kept[1].write_bytes(b"x")
    result = mlms("verify", "--json")
    assert result.exit_code == 1
    assert [row["name"] for row in json.loads(result.output)] == [kept[1].name]
    assert not kept[1].exists()
    assert mlms("verify").exit_code == 0


@pytest.mark.parametrize(
    ("options", "left"),
    [
        ((), ["a.bin", "b.bin", "c.bin"]),
        (("--max-size", "5kB"), ["b.bin", "c.bin"]),
        (("--older-than", "1"), ["a.bin", "b.bin", "c.bin"]),
        (("--older-than", "0"), []),
        (("--all",), []),
        (("--all", "--dry-run"), ["a.bin", "b.bin", "c.bin"]),
    ],
)
def test_pruning_leaves_what_was_not_asked_for(mlms, kept, options, left):
    assert mlms("prune", *options).exit_code == 0
    assert _listed(mlms) == left


def test_a_dry_run_says_what_would_go(mlms, kept):
    result = mlms("prune", "--max-size", "5kB", "--dry-run")
    assert "a.bin" in result.output
    assert "1 would be removed, 1.0 kB" in result.output


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0", 0), ("12", 12), ("2GB", 2 * 10**9), ("500 MB", 5 * 10**8), ("1.5GiB", 3 * 2**29), ("3 kB", 3000)],
)
def test_sizes_are_read_as_people_write_them(text, expected):
    assert size(text) == expected


@pytest.mark.parametrize("text", ["", "GB", "2 QB", "-1", "1,5 GB", "2GB or so"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(UsageError, match="is not a size"):
        size(text)


def test_a_mistake_ends_as_a_message_with_exit_code_2(mlms):
    result = mlms("prune", "--max-size", "2QB")
    assert result.exit_code == 2
    assert 'error: "2QB" is not a size' in result.output


def test_listing_loads_no_network_library(mlms):
    code = (
        "import sys; import pytest_mlmodelscope.cli.cache; print({'requests', 'pypi_simple', 'numpy'} & {*sys.modules})"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"


# -- what runs left ---------------------------------------------------------------------------------


@pytest.fixture
def results(mlms, tmp_path):
    """Predictions, outputs and a counterexample, as runs leave them."""
    root = Cache().root
    kept = [
        predictions.keep(root / "predictions", ["1"], ["a"], ["a"]),
        arrays.keep(root / "outputs", {"y": np.arange(3)}),
        arrays.keep(root / "counterexamples", {"x": np.arange(4)}),
    ]
    return [Path(one["file"]) for one in kept]


def aged(path, days):
    then = time.time() - days * 86_400
    os.utime(path, (then, then))


def test_what_runs_left_is_listed(mlms, results):
    rows = json.loads(mlms("list", "--json").output)
    assert sorted(row["kind"] for row in rows) == ["counterexample", "output", "prediction"]
    assert {row["sha256"] for row in rows} == {path.name.partition(".")[0] for path in results}


def test_pruning_removes_what_nobody_used_for_a_month(mlms, results):
    aged(results[0], 31)
    aged(results[1], 29)
    assert mlms("prune", "--dry-run").output.startswith("20")
    assert results[0].exists()
    assert mlms("prune").exit_code == 0
    assert [path.exists() for path in results] == [False, True, True]


@pytest.mark.parametrize("options", [("--older-than", "20"), ("--max-size", "1B"), ("--all",)])
def test_the_other_ways_of_pruning_remove_it_too(mlms, results, options):
    for path in results:
        aged(path, 21)
    assert mlms("prune", *options).exit_code == 0
    assert not any(path.exists() for path in results)


def test_giving_the_same_again_and_reading_are_uses(mlms, results):
    for path in results:
        aged(path, 99)
    predictions.keep(Cache().root / "predictions", ["1"], ["a"], ["a"])
    arrays.keep(Cache().root / "counterexamples", {"x": np.arange(4)})
    told = {"file": str(results[1]), "sha256": results[1].stem}
    assert outputs_of(Kept({"outputs": told}))["y"].tolist() == [0, 1, 2]
    assert mlms("prune").exit_code == 0
    assert all(path.exists() for path in results)


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("content", [b"", b"something else", None])
def test_results_that_were_changed_are_found_and_removed(mlms, results, number, content):
    path = results[number]
    path.write_bytes(path.read_bytes()[:-30] if content is None else content)
    result = mlms("verify", "--json")
    assert result.exit_code == 1
    assert [row["name"] for row in json.loads(result.output)] == [path.name.partition(".")[0]]
    assert [path.exists() for path in results].count(False) == 1
    assert mlms("verify").exit_code == 0
