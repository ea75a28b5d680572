"""Tables as people write them: long and wide, per cent and fractions, with holes; and what is refused."""

from __future__ import annotations

import pytest

from pytest_mlmodelscope.core.errors import DocumentError, UsageError
from pytest_mlmodelscope.table.items import ASSUMED, least_items, with_items
from pytest_mlmodelscope.table.metric import heading
from pytest_mlmodelscope.table.read import read_table


@pytest.fixture
def read(tmp_path):
    """A function that writes a table and reads it."""

    def run(text, **options):
        path = tmp_path / "table.csv"
        path.write_text(text, encoding="utf-8")
        return read_table(path, **options)

    return run


def figures(table):
    return [(cell.model, cell.stack, cell.metric.name, round(cell.value, 9)) for cell in table.cells]


def test_a_line_for_each_figure(read):
    table = read("model,framework,machine,metric,value,n,unit\nnet,torch,amd64,top-1,76.13,50000,%\n")
    assert figures(table) == [("net", "torch on amd64", "top-1 accuracy", 0.7613)]
    assert table.cells[0].n == 50_000
    assert table.cells[0].half == pytest.approx(0.00005)
    assert table.cells[0].line == 2


def test_a_column_for_each_metric(read):
    table = read("Network;Backend;Top-1 (%);Top5 err (%);latency_ms\nnet;torch;76,13;7.1;3.25\n")
    assert figures(table) == [
        ("net", "torch", "top-1 accuracy", 0.7613),
        ("net", "torch", "top-5 error", 0.071),
        ("net", "torch", "latency", 3.25),
    ]
    assert table.cells[2].unit == "ms"


@pytest.mark.parametrize("printed", ["76.1%", "76.1 %", "+76.1", "7.61e1"])
def test_figures_are_read_as_they_are_printed(read, printed):
    table = read(f"model,accuracy\nnet,{printed}\nother,70\n")
    assert round(table.cells[0].value, 9) == 0.761


@pytest.mark.parametrize("hole", ["", "-", "n/a", "NaN", "\u2014"])
def test_a_hole_is_no_figure(read, hole):
    assert len(read(f"model,top1,top5\nnet,0.7,{hole}\n").cells) == 1


def test_what_is_above_one_in_the_main_is_in_per_cent(read):
    table = read("model,framework,top1\na,x,70.1\na,y,0.701\nb,x,60\n")
    assert [round(cell.value, 9) for cell in table.cells] == [0.701, 0.00701, 0.6]
    assert "taken to be in %, for their size: top-1 accuracy" in table.notes


def test_blank_lines_and_quotes_keep_the_numbers_of_lines(read):
    table = read('model,framework,top1\n\n"net, the first",x,0.5\n\nnet,x,0.6\n')
    assert [(cell.model, cell.line) for cell in table.cells] == [("net, the first", 3), ("net", 5)]


def test_a_version_is_part_of_a_name_where_it_tells_two_apart(read):
    table = read("model,version,framework,fw_version,top1\na,1,x,1.0,0.5\na,2,x,1.0,0.6\nb,1,x,1.0,0.7\n")
    assert [cell.model for cell in table.cells] == ["a 1", "a 2", "b"]
    assert {cell.framework for cell in table.cells} == {"x"}


def test_several_columns_say_what_the_machine_is(read):
    assert read("model,arch,device,top1\nnet,arm64,gpu,0.5\n").cells[0].machine == "arm64 gpu"


@pytest.mark.parametrize(
    "text",
    [
        "model,metric,value,published,tolerance\nnet,top1,70.2,71.0,0.5\n",
        "model,top1,published,tol\nnet,70.2,71.0,0.5\n",
        "model,metric,value,claimed accuracy,tolerance\nnet,top1,70.2,71.0,0.5\n",
        "model,top1,top5,top1_claimed,tolerance\nnet,70.2,90.1,71.0,0.5\n",
        "model,top1,top5,published top-1 (%),tolerance\nnet,70.2,90.1,71.0,0.5\n",
    ],
)
def test_a_claim_stands_beside_its_figure(read, text):
    cell = read(text).cells[0]
    assert (round(cell.value, 9), cell.published.value, cell.published.tolerance) == (0.702, 0.71, 0.005)


def test_a_claim_may_be_in_another_unit_than_the_figure(read):
    assert read("model,top1,published\nnet,0.702,71.0\n").cells[0].published.value == pytest.approx(0.71)


def test_columns_of_which_nothing_is_read_are_said(read):
    assert read("model,top1,remark\nnet,0.5,good\n").notes[-1] == "columns of which nothing is read: remark"


@pytest.mark.parametrize(
    ("text", "where", "says"),
    [
        ("model,top1\nnet,0.5\nnet,good\n", ":3", "top1 is not a number"),
        ("model,metric,value,n\nnet,top1,0.5,many\n", ":2", "n is not a number of items"),
        ("model,metric,value,n\nnet,top1,0.5,0\n", ":2", "n is not a number of items"),
        ("model,top1\nnet,0.5,0.6\n", ":2", "has more columns than the header"),
        ("model,top1\n,0.5\n", ":2", "names no model"),
        ("modle,top1\nnet,0.5\n", ":1", 'did you mean "model"?'),
        ("model,framwork,top1\nnet,x,0.5\n", ":1", 'did you mean "framework"?'),
        ("model,metric,valeu\nnet,top1,0.5\n", ":1", 'did you mean "value"?'),
        ("model,colour\nnet,red\n", ":1", "no column holds figures"),
        ("model,top1\nnet,-\n", "table.csv", "holds no figure"),
        ("\n", "table.csv", "is empty"),
        ('model,top1\n"net,0.5\n', ":2", "is not a table"),
    ],
)
def test_a_mistake_is_told_with_its_line(read, text, where, says):
    with pytest.raises(DocumentError) as told:
        read(text)
    assert says in str(told.value)
    assert str(told.value.where).endswith(where)


def test_what_is_not_text_is_told(tmp_path):
    (tmp_path / "table.csv").write_bytes(b"\xff\xfe\x00model")
    with pytest.raises(DocumentError, match="is not text"):
        read_table(tmp_path / "table.csv")
    with pytest.raises(UsageError, match="cannot be read"):
        read_table(tmp_path / "nowhere.csv")


@pytest.mark.parametrize(
    ("text", "name", "k", "unit", "claimed"),
    [
        ("top1", "top-1 accuracy", 1, None, False),
        ("Top-5 accuracy (%)", "top-5 accuracy", 5, "%", False),
        ("acc@1", "top-1 accuracy", 1, None, False),
        ("prec@5", "top-5 accuracy", 5, None, False),
        ("val_accuracy", "accuracy", 1, None, False),
        ("top-1 error rate", "top-1 error", 1, None, False),
        ("Reported top1_pct", "top-1 accuracy", 1, "%", True),
        ("mAP50", "map50", None, None, False),
        ("F1", "f1", None, None, False),
        ("macro f1-score", "macro f1 score", None, None, False),
        ("p99 latency (us)", "p99 latency", None, "us", False),
    ],
)
def test_headings_of_metrics_are_known_in_many_spellings(text, name, k, unit, claimed):
    told = heading(text)
    assert (told.metric.name, told.metric.k, told.unit, told.claimed) == (name, k, unit, claimed)


@pytest.mark.parametrize("text", ["version", "notes", "params", "flops", "val", "top", "model"])
def test_other_headings_are_none(text):
    assert heading(text) is None


def test_of_digits_alone_the_least_number_of_items_is_told():
    assert least_items([0.5, 0.25], [0.005] * 2) == 4
    assert least_items([0.33], [0.005]) == 3
    assert least_items([0.123, 0.457, 0.911, 0.333, 0.778], [0.0005] * 5) <= 1_000
    assert least_items([], []) is None


@pytest.mark.parametrize("n", [100, 500, 4_000, 10_000, 50_000])
def test_the_least_number_is_never_above_the_real_one(read, n):
    import numpy as np

    draw = np.random.default_rng(n)
    for places in (3, 4, 5):
        values = [round(hits / n, places) for hits in draw.integers(n // 2, n, 30)]
        text = "model,top1\n" + "".join(f"m{place},{value:.{places}f}\n" for place, value in enumerate(values))
        assert with_items(read(text)).cells[0].n <= n


def test_a_grid_tells_the_number_of_items(read):
    text = "model,top1\n" + "".join(f"m{place},{(27_000 + 137 * place) / 50_000:.5f}\n" for place in range(12))
    assert with_items(read(text)).cells[0].n == 50_000


def test_where_nothing_tells_it_a_small_number_is_taken(read):
    table = with_items(read("model,map\nnet,41.2\n"))
    assert table.cells[0].n == ASSUMED
    assert "the number of items is not known" in table.notes[-1]
    assert with_items(read("model,map\nnet,41.2\n"), 5_000).cells[0].n == 5_000
