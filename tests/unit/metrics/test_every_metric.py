"""The shipped suite over every built-in metric; expected figures by hand or by another library."""

import dataclasses

import numpy as np
import pytest
from scipy.stats import rankdata
from sklearn.metrics import classification_report

from pytest_mlmodelscope.core.registry import names
from pytest_mlmodelscope.interfaces.metric import (
    CountedEvidence,
    DeviceEvidence,
    ItemEvidence,
    StaticEvidence,
    TimedEvidence,
)
from pytest_mlmodelscope.testing.metrics import Example, MetricTests

FRUIT = ItemEvidence(
    predictions=["apple", "pear", "pear", None, "plum", "apple", "fig"],
    references=["apple", "apple", "pear", "pear", "plum", "plum", "plum"],
)
#: apple 1 of 2 right, found 1 of 2; pear 1 of 2, 1 of 2; plum 1 of 1, 1 of 3; fig 0 of 1, 0 of 0.
PRECISION = [1 / 2, 1 / 2, 1, 0]
RECALL = [1 / 2, 1 / 2, 1 / 3, 0]
ITEMS = [2, 2, 3, 0]
SCORES = ItemEvidence([0.1, -0.4, 0.35, 0.8], [1.0, -3.0, 2.0, 2.5])
SIGNS = [{"label": "neg", "below": 0}, {"label": "pos", "above": 0}, {"label": "none"}]
TIMES = TimedEvidence(np.array([0.004, 0.001, 0.003, 0.002]), 0.02, 8, 50.0, 123_456_789)
STATIC = StaticEvidence(4_200_000, 1_234)


def f1_of(precision, recall):
    return 0.0 if not precision + recall else 2 * precision * recall / (precision + recall)


def weighted(values):
    return sum(value * count for value, count in zip(values, ITEMS, strict=True)) / sum(ITEMS)


class TestAccuracy(MetricTests):
    metric = "accuracy"
    examples = (
        Example(FRUIT, {}, 3 / 7),
        Example(ItemEvidence([1, 2, 3], [1, 2, 4]), {}, 2 / 3),
        Example(ItemEvidence(np.array(["a", "b"]), ["a", "b"]), {}, 1.0),
        Example(ItemEvidence([0.5, -0.5, 0.0, 0.1], [3.0, 1.0, 0.0, -1.0]), {"bands": SIGNS}, 0.5),
    )
    refused = ({"bands": []}, {"bands": [{"at_least": 1}]})


class TestErrorRate(MetricTests):
    metric = "error_rate"
    examples = (Example(FRUIT, {}, 4 / 7), Example(ItemEvidence(["1", "2"], ["1", "2"]), {}, 0.0))


class TestCharacterErrorRate(MetricTests):
    metric = "character_error_rate"
    #: kitten and sitting: the usual example, three edits; two characters that are missing; one word too many.
    texts = ItemEvidence(["kitten", "a b", None, "one two"], ["sitting", "abc", "no", "one"])
    examples = (
        Example(texts, {}, (3 + 2 + 2 + 4) / 15),
        Example(texts, {"blanks": "ignore"}, (3 + 1 + 2 + 3) / 15),
        Example(ItemEvidence(["same", ""], ["same", ""]), {}, 0.0),
    )
    refused = ({"blanks": "drop"},)


class TestTopK(MetricTests):
    metric = "top_k_accuracy"
    evidence = ItemEvidence([["a", "b", "c"], ["b", "a", "c"], None, ["c", "b", "a"]], ["a", "a", "a", "a"])
    examples = (
        Example(evidence, {"k": 1}, 1 / 4),
        Example(evidence, {"k": 2}, 2 / 4),
        Example(evidence, {"k": 3}, 3 / 4),
        Example(ItemEvidence([np.array([4, 2]), np.array([3, 1])], [2, 0]), {"k": 2}, 1 / 2),
    )
    refused = ({}, {"k": 0})


class TestPrecision(MetricTests):
    metric = "precision"
    examples = (
        Example(FRUIT, {"average": "macro"}, np.mean(PRECISION)),
        Example(FRUIT, {"average": "weighted"}, weighted(PRECISION)),
        # Six answers, three of them right: no answer is no wrong one.
        Example(FRUIT, {"average": "micro"}, 3 / 6),
        Example(FRUIT, {"average": "binary", "positive": "apple"}, 1 / 2),
    )
    refused = ({}, {"average": "binary"}, {"average": "mean"}, {"average": "macro", "zero_division": 0.5})


class TestRecall(MetricTests):
    metric = "recall"
    examples = (
        Example(FRUIT, {"average": "macro"}, np.mean(RECALL)),
        Example(FRUIT, {"average": "macro", "zero_division": 1}, np.mean([1 / 2, 1 / 2, 1 / 3, 1])),
        Example(FRUIT, {"average": "weighted"}, 3 / 7),
        Example(FRUIT, {"average": "micro"}, 3 / 7),
        Example(FRUIT, {"average": "binary", "positive": "plum"}, 1 / 3),
    )


F1 = [f1_of(precision, recall) for precision, recall in zip(PRECISION, RECALL, strict=True)]


class TestF1(MetricTests):
    metric = "f1"
    examples = (
        Example(FRUIT, {"average": "macro"}, np.mean(F1)),
        Example(FRUIT, {"average": "weighted"}, weighted(F1)),
        Example(FRUIT, {"average": "binary", "positive": "plum"}, F1[2]),
    )


class TestPearson(MetricTests):
    metric = "pearson"
    examples = (
        Example(SCORES, {}, float(np.corrcoef(*(SCORES.predictions, SCORES.references))[0, 1])),
        Example(ItemEvidence([1, 2], [4, 3]), {}, -1.0),
        Example(ItemEvidence([1, 1, 1], [1, 2, 3]), {}, float("nan")),
        Example(ItemEvidence([1, None, 3], [1, 2, 3]), {}, float("nan")),
    )


class TestSpearman(MetricTests):
    metric = "spearman"
    ties = ItemEvidence([1, 1, 2, 9], [2, 3, 3, 4])
    examples = (
        Example(ItemEvidence([1, 2, 3, 4], [10, 20, 40, 30]), {}, 1 - 6 * 2 / (4 * 15)),
        Example(ties, {}, float(np.corrcoef(rankdata(ties.predictions), rankdata(ties.references))[0, 1])),
        Example(ItemEvidence([5], [5]), {}, float("nan")),
    )


class TestLatency(MetricTests):
    metric = "latency"
    examples = (
        Example(TIMES, {}, 0.002),
        Example(TimedEvidence(np.arange(1, 101) / 1e3, 1.0, 100, 99.0, 0), {}, 0.099),
        Example(TimedEvidence(np.arange(1, 101) / 1e3, 1.0, 100, 99.5, 0), {}, 0.1),
        Example(TimedEvidence(np.array([]), 0.0, 0, 50.0, 0), {}, float("nan")),
    )
    refused = ({"percentile": 99},)


class TestThroughput(MetricTests):
    metric = "throughput"
    examples = (
        Example(TIMES, {}, 400.0, 1e-9),
        Example(TimedEvidence(np.array([]), 0.0, 0, 50.0, 0), {}, float("nan")),
    )


class TestServerRate(MetricTests):
    metric = "server_rate"
    examples = (
        Example(dataclasses.replace(TIMES, rate=250.0), {}, 250.0),
        Example(TIMES, {}, float("nan")),
    )


class TestPeakMemory(MetricTests):
    metric = "peak_memory"
    examples = (Example(TIMES, {}, 123_456_789.0),)


class TestInstructions(MetricTests):
    metric = "instructions"
    examples = (Example(CountedEvidence((751_091, 751_021, 756_797)), {}, 751_091.0),)


class TestFileSize(MetricTests):
    metric = "file_size"
    examples = (Example(STATIC, {}, 4_200_000.0),)


class TestParameterCount(MetricTests):
    metric = "parameter_count"
    examples = (Example(STATIC, {}, 1_234.0),)


#: Of a circuit: 5 cycles of 80 MHz are 62.5 ns.
CIRCUIT = DeviceEvidence(
    {
        "latency_cycles": 5.0,
        "initiation_interval": 2.0,
        "luts": 4340.0,
        "flip_flops": 1051.0,
        "dsps": 3.0,
        "brams": 4.0,
        "clock_hz": 80e6,
    }
)


class TestLatencyCycles(MetricTests):
    metric = "latency_cycles"
    examples = (Example(CIRCUIT, {}, 5.0),)
    refused = ({"clock": 1},)


class TestInitiationInterval(MetricTests):
    metric = "initiation_interval"
    examples = (Example(CIRCUIT, {}, 2.0),)


class TestLuts(MetricTests):
    metric = "luts"
    examples = (Example(CIRCUIT, {}, 4340.0),)


class TestFlipFlops(MetricTests):
    metric = "flip_flops"
    examples = (Example(CIRCUIT, {}, 1051.0),)


class TestDsps(MetricTests):
    metric = "dsps"
    examples = (Example(CIRCUIT, {}, 3.0),)


class TestBrams(MetricTests):
    metric = "brams"
    examples = (Example(CIRCUIT, {}, 4.0),)


class TestClock(MetricTests):
    metric = "clock"
    examples = (Example(CIRCUIT, {}, 80e6),)


class TestPlacedLatency(MetricTests):
    metric = "placed_latency"
    examples = (Example(CIRCUIT, {}, 62.5e-9),)


class TestPlacedThroughput(MetricTests):
    metric = "placed_throughput"
    examples = (Example(CIRCUIT, {}, 40e6),)


class TestExactOutputs(MetricTests):
    metric = "exact_outputs"
    evidence = ItemEvidence(
        [np.array([1.0, -2.0]), np.array([0.0, 3.5]), None, np.array([4.0])], [[1, -2], [0, 3], [1, 1], [4, 4]]
    )
    examples = (
        Example(evidence, {}, 1 / 4),
        Example(ItemEvidence([np.array([[1], [2]])], [[[1], [2]]]), {"output": "logits"}, 1.0),
    )
    refused = ({"output": 1}, {"tolerance": 0.1})


SUITES = [value for value in globals().values() if isinstance(value, type) and issubclass(value, MetricTests)]


def test_every_metric_has_a_suite():
    covered = {suite.metric for suite in SUITES if suite is not MetricTests}
    assert covered == set(names("metrics"))


@pytest.mark.parametrize("average", ["macro avg", "weighted avg"])
def test_scores_are_the_ones_of_scikit_learn_when_every_item_has_an_answer(average):
    from pytest_mlmodelscope.metrics import f1, precision, recall

    generator = np.random.default_rng(7)
    labels = np.array(["cat", "dog", "emu", "fox"])
    references = generator.choice(labels, 500).tolist()
    predictions = [r if generator.random() < 0.7 else str(generator.choice(labels)) for r in references]
    report = classification_report(references, predictions, output_dict=True)[average]
    evidence, options = ItemEvidence(predictions, references), {"average": average.split()[0]}
    assert precision.compute(evidence, options) == pytest.approx(report["precision"], abs=1e-12)
    assert recall.compute(evidence, options) == pytest.approx(report["recall"], abs=1e-12)
    assert f1.compute(evidence, options) == pytest.approx(report["f1-score"], abs=1e-12)
