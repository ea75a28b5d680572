"""What is said of a gate on a machine whose noise is known."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from pytest_mlmodelscope.verdict.aa import BLOCKS, FEWEST, as_record, one_after_another, worth
from pytest_mlmodelscope.verdict.gate import decide, sequence


def machine(spread, blocks=BLOCKS, seed=1):
    return np.random.default_rng(seed).normal(0, spread, blocks)


def test_on_a_steady_machine_the_gate_keeps_both_aims():
    found = worth(machine(0.01))
    assert found.reaches
    assert found.false_alarms <= 0.01
    assert found.power >= 0.95
    assert found.smallest <= 1.05
    assert found.blocks_needed[0] < found.blocks_needed[1] < 7


def test_on_a_noisy_machine_it_says_that_it_sees_only_large_changes():
    found = worth(machine(0.3))
    assert not found.reaches
    assert found.power < 0.5
    assert found.smallest > 1.1
    assert found.false_alarms <= 0.01


def test_what_it_says_of_a_machine_is_what_happens_there():
    """Of the same distribution, not of the same blocks."""
    found, draw = worth(machine(0.05, 200)), np.random.default_rng(2)
    rows = draw.normal(0, 0.05, (10_000, 28))
    words, used = sequence(rows + math.log(1.05))
    assert found.power == pytest.approx(float((words == 1).mean()), abs=0.1)
    assert found.blocks_needed[1] == pytest.approx(float(used.mean()), rel=0.15)


def test_its_intervals_hold_what_it_says():
    found = worth(machine(0.03))
    for name in ("false_alarms", "power", "smallest"):
        low, high = getattr(found, f"{name}_interval")
        assert low <= getattr(found, name) * 1.02
        assert getattr(found, name) <= high * 1.02


def test_a_side_that_is_slower_by_itself_does_not_count_as_noise_of_one_direction():
    """Sides are swapped at random, so that an offset between two positions becomes spread, and is not hidden."""
    assert worth(machine(0.01) + 0.05).power < 0.9


def test_blocks_one_after_another_are_decided_as_the_gate_would():
    blocks = machine(0.01, 24)
    said = one_after_another(blocks)
    assert said["equivalent"] >= 5
    assert sum(said.values()) * 4 <= 24
    first = decide(list(blocks))
    assert said[first.word] >= 1


def test_blocks_that_end_before_the_gate_could_are_no_decision():
    assert sum(one_after_another(machine(0.5, 10)).values()) == 0


def test_few_blocks_say_nothing():
    with pytest.raises(ValueError, match="8 at least"):
        worth(machine(0.01, FEWEST - 1))


def test_the_same_blocks_always_say_the_same():
    assert worth(machine(0.02, FEWEST)) == worth(machine(0.02, FEWEST))


def test_as_plain_data():
    found = as_record(worth(machine(0.01)))
    assert json.loads(json.dumps(found))["reaches"] is True
    assert found["aims"] == {"false_alarms": 0.01, "power": 0.95}
