"""What the gate is worth on a machine: it is asked whether a thing is slower than itself.

Blocks of the same code on both sides are measured once, and the gate is run over many sequences of them: in
any order, each with its sides swapped or not, which is all the same where both sides are. A change is
planted by shifting their logarithms. How sure the rates are is found by drawing the blocks themselves anew.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_mlmodelscope.verdict.gate import LOOKS, MARGIN, WORDS, sequence

#: What the gate is to reach: false alarms at most, and the share of trials in which a change is seen.
FALSE_ALARMS: Final = 0.01
POWER: Final = 0.95
#: The change that it is to see.
CHANGE: Final = 0.05
#: Blocks that such a test measures unless it is told otherwise; fewer than these say nothing.
BLOCKS: Final = 24
FEWEST: Final = 8

_TRIALS: Final = 5_000
_REPLICAS: Final = 60
_TRIALS_OF_A_REPLICA: Final = 300
#: Changes that are planted: from half a per cent to a factor of two.
_PLANTED: Final = np.geomspace(1.005, 2.0, 140)

_Logs = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Worth:
    """What the gate does on this machine; a pair is a 95 % interval over other blocks that might have been measured.

    ``false_alarms`` is the share of sequences without any difference that are called slower or faster,
    ``power`` the share in which a slowdown of ``CHANGE`` is seen, ``smallest`` the least slowdown (a factor) that
    is seen in ``POWER`` of them (infinite: none up to 2). ``blocks_needed`` is how many blocks a decision
    takes on average without a difference, and with that slowdown. ``decided`` counts what the gate said, used
    on the blocks one after another as they were measured.
    """

    blocks: int
    spread: float
    margin: float
    false_alarms: float
    false_alarms_interval: tuple[float, float]
    power: float
    power_interval: tuple[float, float]
    smallest: float
    smallest_interval: tuple[float, float]
    blocks_needed: tuple[float, float]
    decided: dict[str, int]

    @property
    def reaches(self) -> bool:
        """Whether the gate keeps both of its aims here, as far as it could be seen."""
        return self.false_alarms <= FALSE_ALARMS and self.power >= POWER


def worth(logs: Sequence[float], margin: float = MARGIN, seed: int = 0) -> Worth:
    """What the gate is worth where these blocks were measured, each the same thing against itself.

    Raises:
        ValueError: there are fewer than ``FEWEST``.
    """
    blocks = np.asarray(logs, dtype=np.float64)
    if len(blocks) < FEWEST:
        raise ValueError(f"{len(blocks)} blocks say nothing of a gate; {FEWEST} at least")
    draw = np.random.default_rng(seed)
    rates = _rates(_sequences(blocks, _TRIALS, draw), margin)
    replicas = [_replica(blocks, margin, draw) for _ in range(_REPLICAS)]
    spans = {name: _span([one[name] for one in replicas]) for name in ("false_alarms", "power", "smallest")}
    return Worth(
        blocks=len(blocks),
        spread=float(blocks.std(ddof=1)),
        margin=margin,
        false_alarms=rates["false_alarms"],
        false_alarms_interval=spans["false_alarms"],
        power=rates["power"],
        power_interval=spans["power"],
        smallest=rates["smallest"],
        smallest_interval=spans["smallest"],
        blocks_needed=(rates["needed_same"], rates["needed_slower"]),
        decided=one_after_another(blocks, margin),
    )


def _sequences(blocks: _Logs, trials: int, draw: np.random.Generator) -> _Logs:
    """Sequences in which no block comes twice before all have come: equal ones would look like little noise."""
    rounds = math.ceil(LOOKS[-1] / len(blocks))
    orders = [draw.permuted(np.tile(blocks, (trials, 1)), axis=1) for _ in range(rounds)]
    rows = np.concatenate(orders, axis=1)[:, : LOOKS[-1]]
    swapped: _Logs = rows * draw.choice([-1.0, 1.0], rows.shape)
    return swapped


def _replica(blocks: _Logs, margin: float, draw: np.random.Generator) -> dict[str, float]:
    again = draw.choice(blocks, len(blocks))
    return _rates(_sequences(again, _TRIALS_OF_A_REPLICA, draw), margin)


def _rates(rows: _Logs, margin: float) -> dict[str, float]:
    same, needed_same = sequence(rows, margin)
    slower, needed_slower = sequence(rows + math.log1p(CHANGE), margin)
    return {
        "false_alarms": float(np.isin(same, [_SLOWER, _FASTER]).mean()),
        "power": float((slower == _SLOWER).mean()),
        "smallest": _smallest(rows, margin),
        "needed_same": float(needed_same.mean()),
        "needed_slower": float(needed_slower.mean()),
    }


_SLOWER, _FASTER = WORDS.index("slower"), WORDS.index("faster")


def _smallest(rows: _Logs, margin: float) -> float:
    """The least change planted that is seen often enough, by bisection: a larger one is seen more often."""
    low, high = 0, len(_PLANTED)
    while low < high:
        middle = (low + high) // 2
        words, _ = sequence(rows + math.log(_PLANTED[middle]), margin)
        if (words == _SLOWER).mean() >= POWER:
            high = middle
        else:
            low = middle + 1
    return float(_PLANTED[low]) if low < len(_PLANTED) else math.inf


def _span(values: Sequence[float]) -> tuple[float, float]:
    low, high = np.quantile(np.asarray(values), [0.025, 0.975], method="inverted_cdf")
    return float(low), float(high)


def one_after_another(blocks: Sequence[float] | _Logs, margin: float = MARGIN) -> dict[str, int]:
    """How often the gate said what, begun anew with the next block after each decision."""
    said: dict[str, int] = dict.fromkeys(WORDS, 0)
    at, row = 0, np.asarray(blocks, dtype=np.float64)
    while len(row) - at >= LOOKS[0]:
        words, used = sequence(row[None, at:], margin)
        if not words[0] and len(row) - at < LOOKS[-1]:
            break  # the blocks ended before the gate could
        said[WORDS[int(words[0])]] += 1
        at += int(used[0])
    return said


def as_record(found: Worth) -> dict[str, Any]:
    """The same as plain data; what is infinite is left to the record."""
    from dataclasses import asdict

    return {
        **asdict(found),
        "change": CHANGE,
        "reaches": found.reaches,
        "aims": {"false_alarms": FALSE_ALARMS, "power": POWER},
    }
