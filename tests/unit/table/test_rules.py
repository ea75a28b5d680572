"""Each rule on a table that is clean but for one thing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_mlmodelscope.table.cells import Cell, Metric, Published, Rules, Table
from pytest_mlmodelscope.table.judge import judge


@pytest.fixture
def table(tables):
    return tables.clean(3, missing=0.0, low=0.6)


def kinds(judged):
    return [one.kind for one in judged.findings]


def values_of(table, **where):
    return {
        (cell.framework, cell.machine, cell.metric): cell.value
        for cell in table.cells
        if all(getattr(cell, key) == value for key, value in where.items())
    }


def loaded_instead(tables, table, wrong, right, **where):
    """As though the model ``right`` had been loaded for ``wrong``."""
    own = values_of(table, model=right)
    return tables.with_values(table, lambda one: own[one.framework, one.machine, one.metric], model=wrong, **where)


def test_a_clean_table_is_consistent(table):
    judged = judge(table)
    assert judged.findings == ()
    assert set(judged.verdicts) == {"consistent"}


def test_an_item_more_or_less_is_nothing(tables):
    assert judge(tables.one_model(0.79098, 0.79098, 0.791, 0.79096)).findings == ()


@pytest.mark.parametrize(("points", "size"), [(0.33, "slight"), (-3, "large"), (-58, "broken")])
def test_the_size_of_a_difference_is_named(tables, table, points, size):
    judged = judge(tables.changed(table, points, model="model-1", framework="framework-2"))
    assert {(one.kind, one.size) for one in judged.findings} == {("outlier", size)}
    assert len(judged.findings) == 1
    text = judged.findings[0].text
    assert "model-1 on framework-2 on machine-0, machine-1" in text
    assert ("above" if points > 0 else "below") in text


def test_of_two_stacks_that_disagree_neither_is_said_to_be_right(tables):
    judged = judge(tables.one_model(0.7, 0.6))
    assert kinds(judged) == ["disagreement"]
    assert len(judged.findings[0].cells) == 2
    assert judged.verdicts == ("suspect", "suspect")


def test_of_two_stacks_the_one_that_is_hardly_ever_right_is_the_broken_one(tables):
    judged = judge(tables.one_model(0.7, 0.001))
    assert kinds(judged) == ["outlier"]
    assert judged.verdicts == ("consistent", "suspect")


def test_two_machines_of_a_framework_are_no_majority_over_another_framework(tables):
    cells = [
        tables.cell("m", framework, machine, tables.TOP1, hits, 50_000)
        for framework, machine, hits in (("a", "x", 30_000), ("a", "y", 30_000), ("b", "x", 35_000))
    ]
    assert kinds(judge(Table("t", tuple(cells)))) == ["disagreement"]


def test_a_majority_is_right_however_far_the_others_are(tables):
    judged = judge(tables.one_model(0.7, 0.7, 0.7, 0.001, 0.05))
    assert [judged.verdicts[place] for place in range(5)] == ["consistent"] * 3 + ["suspect"] * 2


def test_a_framework_that_is_off_in_most_models_is_one_finding(tables, table):
    judged = judge(tables.changed(table, -2, framework="framework-4"))
    assert kinds(judged) == ["framework"]
    assert len(judged.findings[0].cells) == 14 * 2 * 2
    assert "framework-4" in judged.findings[0].text


def test_a_machine_that_is_off_is_one_finding_and_no_framework_is_blamed(tables, table):
    third = [replace(cell, machine="machine-2") for cell in table.cells if cell.machine == "machine-0"]
    wider = replace(table, cells=(*table.cells, *third))
    judged = judge(tables.changed(wider, -1.5, machine="machine-1"))
    assert kinds(judged) == ["machine"]
    assert "machine-1" in judged.findings[0].text


@pytest.mark.parametrize("part", ["machine", "framework"])
def test_two_that_disagree_in_all_models_are_one_finding(tables, part):
    one_of_two = tables.clean(4, frameworks=2, missing=0.0, low=0.6)
    judged = judge(tables.changed(one_of_two, -4, **{part: f"{part}-1"}))
    assert kinds(judged) == ["disagreement"]
    assert f"the {part}s {part}-0, {part}-1 do not agree in 14 models" in judged.findings[0].text


def test_a_small_shift_that_no_single_figure_shows_is_found(tables, table):
    judged = judge(tables.changed(table, -0.15, framework="framework-3"))
    assert set(kinds(judged)) == {"shift"}
    assert all("framework-3" in one.text for one in judged.findings)


def test_the_wrong_model_on_one_stack_is_named(tables, table):
    near = tables.with_values(
        table, lambda one: values_of(table, model="model-5")[one.framework, one.machine, one.metric] - 0.0044,
        model="model-6",
    )  # fmt: skip
    judged = judge(loaded_instead(tables, near, "model-6", "model-5", framework="framework-0"))
    assert sorted(kinds(judged)) == ["outlier", "twins"]
    assert "these are the figures of model-5" in judged.findings[0].hint
    accused = {
        (cell.model, cell.framework)
        for cell, verdict in zip(judged.table.cells, judged.verdicts, strict=True)
        if verdict == "suspect"
    }
    assert accused == {("model-6", "framework-0")}


def test_two_names_of_one_model_on_all_stacks_are_twins(tables, table):
    judged = judge(loaded_instead(tables, table, "model-6", "model-5"))
    assert kinds(judged) == ["twins"]
    assert "model-5" in judged.findings[0].text
    assert "model-6" in judged.findings[0].text


def test_the_same_figure_in_one_metric_is_a_coincidence(tables, table):
    same = loaded_instead(tables, table, "model-6", "model-5", metric=tables.TOP1)
    top5 = tables.with_values(same, lambda one: min(1, one.value + 0.02), model="model-6", metric=tables.TOP5)
    assert "twins" not in kinds(judge(top5))


@pytest.mark.parametrize("n", [100, 1_000])
def test_few_items_prove_no_twins(tables, n):
    small = tables.clean(3, n=n, missing=0.0, low=0.6)
    assert "twins" not in kinds(judge(loaded_instead(tables, small, "model-6", "model-5")))


def test_models_that_always_give_one_answer_are_no_twins(tables, table):
    broken = tables.with_values(
        table, lambda one: 0.001 if one.metric == tables.TOP1 else 0.005, framework="framework-1"
    )
    assert kinds(judge(broken)) == ["framework"]


def test_versions_of_one_model_may_be_the_same(tables, table):
    twins = loaded_instead(tables, table, "model-6", "model-5")
    names = {"model-5": "net 1.0", "model-6": "net 2.0"}
    cells = tuple(replace(cell, model=names.get(cell.model, cell.model)) for cell in twins.cells)
    assert judge(replace(twins, cells=cells)).findings == ()


def test_a_model_that_is_broken_everywhere_is_found_without_a_claim(tables, table):
    judged = judge(tables.with_values(table, lambda one: 0.023 if one.metric.k == 1 else 0.035, model="model-9"))
    assert kinds(judged) == ["implausible"]
    assert "model-9" in judged.findings[0].text


def test_a_model_that_is_only_weak_is_none_of_our_business(tables, table):
    assert judge(tables.with_values(table, lambda one: one.value / 2, model="model-9")).findings == ()


def test_too_few_models_say_nothing_of_what_is_plausible(tables):
    few = tables.clean(3, models=4, missing=0.0, low=0.6)
    assert judge(tables.with_values(few, lambda one: one.value / 20, model="model-1")).findings == ()


def test_one_stack_that_is_far_better_than_the_others_is_not_called_broken(tables):
    judged = judge(tables.one_model(0.7, 0.01, 0.01, 0.01))
    assert kinds(judged) == ["outlier"]
    assert "they may be what is broken" in judged.findings[0].hint


# -- claims ---------------------------------------------------------------------------------------


def claimed(table, value, n=None, tolerance=None):
    return replace(
        table, cells=tuple(replace(cell, published=Published(value, 0.0005, tolerance, n)) for cell in table.cells)
    )


@pytest.mark.parametrize(
    ("value", "rules", "verdict"),
    [
        (0.70, Rules(), "inconclusive"),
        (0.73, Rules(), "refuted"),
        (0.73, Rules(tolerance=0.04), "confirmed"),
        (0.68, Rules(), "confirmed"),
        (0.704, Rules(census=True), "refuted"),
        (0.704, Rules(), "inconclusive"),
        (0.7004, Rules(census=True), "confirmed"),
        (0.7015, Rules(census=True), "inconclusive"),
        (0.70, Rules(census=True, tolerance=0.005), "confirmed"),
    ],
)
def test_a_figure_is_held_against_its_claim(tables, value, rules, verdict):
    judged = judge(claimed(tables.one_model(0.7), value), rules)
    assert judged.verdicts == (verdict,)
    assert kinds(judged) == (["claim"] if verdict == "refuted" else [])


def test_a_claim_about_as_many_items_is_about_these(tables):
    assert judge(claimed(tables.one_model(0.7), 0.704, n=50_000)).verdicts == ("refuted",)


def test_a_tolerance_of_its_own_counts(tables):
    assert judge(claimed(tables.one_model(0.7), 0.73, tolerance=0.05)).verdicts == ("confirmed",)


def test_of_errors_less_is_better(tables):
    error = Metric("error rate", "share", 1, error=True)
    assert judge(claimed(tables.one_model(0.2, metric=error), 0.3)).verdicts == ("confirmed",)
    assert judge(claimed(tables.one_model(0.3, metric=error), 0.2)).verdicts == ("refuted",)


def test_many_true_claims_are_rarely_refuted(tables):
    import numpy as np

    draw = np.random.default_rng(5)
    alarms = 0
    for _ in range(100):
        cells = [
            replace(tables.cell(f"m{model}", "f", "", tables.TOP1, hits, 500), published=Published(0.7, 0.0005))
            for model, hits in enumerate(draw.binomial(500, 0.7, 40).tolist())
        ]
        alarms += bool(judge(Table("t", tuple(cells))).findings)
    assert alarms <= 5


# -- what cannot be -------------------------------------------------------------------------------


def test_top_5_is_never_below_top_1(tables):
    cells = [
        tables.cell("m", "f", "", tables.TOP1, 35_000, 50_000),
        tables.cell("m", "f", "", tables.TOP5, 34_000, 50_000),
    ]
    judged = judge(Table("t", tuple(cells)))
    assert kinds(judged) == ["impossible"]
    assert judged.verdicts == ("refuted", "refuted")
    assert "below its top-1 accuracy" in judged.findings[0].text


@pytest.mark.parametrize(("value", "says"), [(1.2, "outside 0 to 100 %"), (-0.1, "outside 0 to 100 %")])
def test_a_share_lies_between_nothing_and_everything(tables, value, says):
    cell = replace(tables.cell("m", "f", "", tables.TOP1, 1, 10), value=value, n=None)
    assert says in judge(Table("t", (cell,))).findings[0].text


def test_a_share_is_one_of_its_items(tables):
    cells = tables.clean(1, n=500, models=4, frameworks=3, machines=1).cells
    odd = (replace(cells[0], value=cells[0].value + 0.001, text="odd"), *cells[1:])
    judged = judge(Table("t", odd))
    assert [one.text for one in judged.findings] == [
        "top-1 accuracy of model-0 on framework-0 on machine-0, odd, is no share of 500 items"
    ]


def test_averages_are_no_shares_and_that_is_said_once(tables):
    cells = tables.clean(1, n=500, models=4, frameworks=3, machines=1).cells
    judged = judge(Table("t", tuple(replace(cell, value=cell.value + 0.0007) for cell in cells)))
    assert judged.findings == ()
    assert any("averages, it seems" in note for note in judged.notes)


# -- other figures --------------------------------------------------------------------------------


def test_other_figures_may_be_below_nothing():
    cells = [Cell(2, f"m{row}", "f", "", Metric("log likelihood", "other"), -row - 1.0, 0.0, "") for row in range(4)]
    assert judge(Table("t", tuple(cells))).findings == ()


def latencies(unit_mistake=1.0):
    metric = Metric("latency", "other")
    factors = {"m0": 1.0, "m1": 3.1, "m2": 0.4, "m3": 8.0, "m4": 2.0}
    stacks = {"f0": 10.0, "f1": 14.2, "f2": 3.3, "f3": 22.0}
    cells = []
    for row, (model, factor) in enumerate(factors.items()):
        for column, (stack, base) in enumerate(stacks.items()):
            value = factor * base * (1 + 0.07 * ((row * 7 + column * 5) % 4))
            value *= unit_mistake if (model, stack) == ("m3", "f1") else 1.0
            cells.append(Cell(2, model, stack, "", metric, value, 0.0, f"{value:.3g}"))
    return Table("t", tuple(cells))


def test_latencies_differ_by_model_and_stack():
    assert judge(latencies()).findings == ()


def test_a_latency_in_another_unit_is_found():
    judged = judge(latencies(1e-3))
    assert kinds(judged) == ["spread"]
    assert "m3 on f1" in judged.findings[0].text
    assert "a factor of a thousand: another unit?" in judged.findings[0].hint


def test_a_latency_is_above_nothing():
    table = latencies()
    judged = judge(replace(table, cells=(replace(table.cells[0], value=0.0), *table.cells[1:])))
    assert kinds(judged) == ["impossible"]
