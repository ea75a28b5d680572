"""Tables of which the truth is known: clean ones, and what can be planted in them."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from pytest_mlmodelscope.table.cells import Cell, Metric, Table

TOP1 = Metric("top-1 accuracy", "share", 1)
TOP5 = Metric("top-5 accuracy", "share", 5)


def clean(seed, n=50_000, models=14, frameworks=6, machines=2, flips=0.001, low=0.5, high=0.85, missing=0.1):
    """Right numbers and nothing else: of each stack, ``flips`` of the items are decided otherwise than by the model.

    A flip makes a wrong answer right as often as a right one wrong. The machines of a framework
    differ in a tenth of its flips. Top-5 is right where top-1 is, and flips less.
    """
    draw = np.random.default_rng(seed)
    cells = []
    for model in range(models):
        right = draw.uniform(low, high)
        wrong5 = (1 - right) * draw.uniform(0.25, 0.5)
        counts = draw.multinomial(n, [right, 1 - right - wrong5, wrong5])
        truth = {TOP1: counts[0], TOP5: counts[0] + counts[1]}
        for framework in range(frameworks):
            moved = {metric: _moved(draw, n, flips * share) for metric, share in ((TOP1, 1.0), (TOP5, 0.5))}
            for machine in range(machines):
                if draw.random() < missing:
                    continue
                hits = {
                    metric: int(np.clip(truth[metric] + moved[metric] + _moved(draw, n, flips * 0.1), 0, n))
                    for metric in truth
                }
                hits[TOP5] = max(hits[TOP5], hits[TOP1])
                cells += [
                    cell(f"model-{model}", f"framework-{framework}", f"machine-{machine}", metric, hits[metric], n)
                    for metric in truth
                ]
    return Table("table.csv", tuple(cells))


def _moved(draw, n, share):
    there, back = draw.binomial(n, share / 2, 2)
    return int(there - back)


def cell(model, framework, machine, metric, hits, n, line=1):
    """One figure, as a fraction with five decimals."""
    value = round(hits / n, 5)
    return Cell(line, model, framework, machine, metric, value, 5e-6, f"{value:.5f}", n)


def changed(table, points, **where):
    """The table with the figures of chosen cells moved by so many percentage points, on the grid of their items."""
    return with_values(table, lambda one: one.value + points / 100, **where)


def with_values(table, value, **where):
    """The table with other figures in the cells whose fields are as they are asked for."""

    def new(one):
        if any(getattr(one, key) != wanted for key, wanted in where.items()):
            return one
        moved = min(1.0, max(0.0, round(round(value(one) * one.n) / one.n, 5)))
        return replace(one, value=moved, text=f"{moved:.5f}")

    return replace(table, cells=tuple(new(one) for one in table.cells))


@pytest.fixture(scope="session")
def tables():
    """What makes tables, for tests that need them."""
    return SimpleNamespace(
        clean=clean, cell=cell, changed=changed, with_values=with_values, one_model=one_model, TOP1=TOP1, TOP5=TOP5
    )


def one_model(*values, n=50_000, model="model", metric=TOP1):
    """One model on as many stacks as there are values, each on a framework of its own."""
    cells = [
        cell(model, f"framework-{place}", "here", metric, round(value * n), n) for place, value in enumerate(values)
    ]
    return Table("table.csv", tuple(cells))
