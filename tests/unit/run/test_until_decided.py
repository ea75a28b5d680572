"""As many items as a verdict takes, in a real worker: what is expected, when it stops, what others have of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_mlmodelscope.core.claim import DataUse, Tolerance
from pytest_mlmodelscope.store.predictions import read

EXACT = Tolerance("absolute", 0.0)


@pytest.fixture
def told():
    """What was announced."""
    return []


@pytest.fixture
def long(words):
    """A dataset of which a part decides."""
    words.add_data("long", test=[(f"w{n}", "WRONG" if n % 10 == 0 else f"W{n}") for n in range(3000)])


@pytest.fixture
def gathering(engine_of, told, long):
    """An engine that looks at as few items as decide."""
    return engine_of(sequential=True, announce=told.append)


def test_a_model_that_is_broken_is_refuted_by_a_dozen_items(gathering, words, word_case):
    words.add_data("broken", test=[(f"w{n}", "WRONG") for n in range(2000)])
    result = gathering.verify(word_case(value=90.0, data="broken"))
    assert result.verdict.word == "refuted"
    assert result.measurement.n <= 12
    assert result.measurement.value == 0
    assert words.times("call") <= 30


def test_a_claim_that_is_far_from_the_truth_is_decided_by_few_items(gathering, word_case):
    true = gathering.verify(word_case(value=70.0))
    assert (true.verdict.word, true.measurement.census) == ("confirmed", False)
    false = gathering.verify(word_case(value=99.0, data="long"))
    assert false.verdict.word == "refuted"
    assert false.measurement.n < 300
    assert false.measurement.interval.high < 98.5
    assert false.measurement.p <= 0.05


def test_what_no_part_decides_is_decided_by_everything(gathering, word_case):
    result = gathering.verify(word_case(value=75.0, data=DataUse("lines", "other"), tolerance=EXACT))
    assert (result.verdict.word, result.measurement.n, result.measurement.census) == ("confirmed", 40, True)
    assert result.measurement.p is None


def test_the_plan_says_what_was_expected_and_what_was_used(gathering, told, word_case):
    result = gathering.verify(word_case(value=80.0, data="long", tolerance=Tolerance("absolute", 1.0)))
    plan = result.plan
    assert plan["rule"] == "sequential"
    assert plan["used"] == result.measurement.n < plan["of"] == 3000
    assert plan["seconds"] > 0
    assert [one["share"] for one in plan["expectations"]] == pytest.approx([0.8, 0.79, 0.78, 0.75, 0.08])
    assert told[0].startswith("words-accuracy-python-cpu: expects about ")
    assert "of 3,000 items if the published figure is exact" in told[0]
    assert "items/s" in told[1]


def test_claims_about_the_same_predictions_go_on_where_others_stopped(gathering, words, word_case):
    few = gathering.verify(word_case(value=50.0, data="long"))
    called = words.times("call")
    again = gathering.verify(word_case("error_rate", 50.0, data="long", direction="lower"))
    assert again.measurement.n == few.measurement.n
    assert words.times("call") == called
    more = gathering.verify(word_case(value=85.0, data="long"))
    assert more.measurement.n > few.measurement.n
    assert more.measurement.value > 85


def test_items_are_kept_in_their_published_order(gathering, engine_of, word_case):
    part = gathering.verify(word_case(value=70.0, data="long"))
    ids = [identity for identity, _, _ in read(Path(part.predictions["file"]))]
    assert len(ids) == part.measurement.n
    everything = [
        identity for identity, _, _ in read(Path(engine_of().verify(word_case(data="long")).predictions["file"]))
    ]
    places = [everything.index(identity) for identity in ids]
    assert places == sorted(places)
    assert places[-1] > 2 * len(ids)  # of all over the set, not its beginning


def test_everything_is_kept_under_the_digest_of_a_full_run(gathering, engine_of, case):
    claimed = {"value": 90.2, "tolerance": EXACT, "direction": "equal"}
    found, full = gathering.verify(case(**claimed)), engine_of().verify(case(**claimed))
    assert found.measurement.census
    assert found.predictions["sha256"] == full.predictions["sha256"]
    assert found.outputs["sha256"] == full.outputs["sha256"]


def test_a_sample_of_something_larger_is_never_everything(gathering, word_case):
    data = DataUse("lines", relation="sample", published_items=100_000)
    result = gathering.verify(word_case(value=90.4, data=data))
    assert (result.verdict.word, result.measurement.n, result.measurement.census) == ("inconclusive", 100, False)
    assert "more items would" in result.verdict.reason


def test_other_data_and_other_figures_are_evaluated_as_ever(gathering, words, word_case):
    other = gathering.verify(word_case(value=90.0, data=DataUse("lines", relation="other")))
    assert (other.verdict.word, other.measurement.n) == ("inconclusive", 100)
    assert dict(other.plan)["rule"] == "full"


def test_a_claim_may_limit_how_many_items_are_looked_at(gathering, word_case):
    result = gathering.verify(word_case(value=90.0, data=DataUse("long", items=40)))
    assert result.measurement.n <= 40


def test_the_numbers_of_a_model_are_gathered_as_well(gathering, case):
    result = gathering.verify(case("exact_outputs", 50.0, direction="higher"))
    assert (result.verdict.word, result.measurement.value) == ("refuted", 0)  # digits have labels, not numbers
    assert result.measurement.n <= 12


def test_what_is_recorded_rests_on_everything_and_helps_the_next_run(engine_of, long, word_case, tmp_path):
    claimed = word_case(value=90.0, data="long", tolerance=Tolerance("absolute", 1.0))
    alone = engine_of(sequential=True).verify(claimed)
    recorded = engine_of(sequential=True, baselines=tmp_path / "b", record=True).verify(claimed)
    assert recorded.measurement.census
    (path,) = (tmp_path / "b").glob("*/*.json")
    assert json.loads(path.read_text())["n"] == 3000
    paired = engine_of(sequential=True, baselines=tmp_path / "b").verify(claimed)
    assert paired.plan["paired"]
    assert not alone.plan["paired"]
    assert paired.verdict.word == alone.verdict.word == "confirmed"
    assert paired.measurement.n < alone.measurement.n / 3


def test_predictions_that_are_gone_pair_with_nothing(engine_of, words, word_case, tmp_path):
    claimed = word_case(value=70.0)
    recorded = engine_of(baselines=tmp_path / "b", record=True).verify(claimed)
    Path(recorded.predictions["file"]).unlink()
    assert not engine_of(sequential=True, baselines=tmp_path / "b").verify(claimed).plan["paired"]


def test_together_with_others_a_refutation_takes_more(engine_of, words, word_case):
    words.add_data("broken", test=[(f"w{n}", "WRONG") for n in range(2000)])
    alone, among = (
        engine_of(sequential=True, claims=claims).verify(word_case(value=90.0, data="broken")) for claims in (1, 10**6)
    )
    assert (alone.verdict.word, among.verdict.word) == ("refuted", "refuted")
    assert alone.measurement.n < among.measurement.n
    assert among.measurement.p <= 0.05 / 10**6


def test_a_sample_that_would_refute_alone_is_inconclusive_among_many(engine_of, long, word_case):
    claimed = word_case(value=99.5, data=DataUse("long", items=100))
    alone, among = (engine_of(claims=claims).verify(claimed) for claims in (1, 200))
    assert alone.verdict.word == "refuted"
    assert among.verdict.word == "inconclusive"
    assert "of 200 claims judged together one may look so by chance" in among.verdict.reason
    assert alone.measurement.p == among.measurement.p


def test_a_whole_set_leaves_nothing_to_chance_however_many_there_are(engine_of, words, word_case):
    result = engine_of(claims=500).verify(word_case(value=91.0))
    assert (result.verdict.word, result.measurement.p) == ("refuted", None)
