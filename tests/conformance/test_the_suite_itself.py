"""The conformance suite of frameworks can fail: one broken fake a rule, and each fails just that rule."""

from pathlib import Path

import pytest

from pytest_mlmodelscope.testing.frameworks import FrameworkTests

FAKE = Path(__file__).parent / "fake"

#: What the fake breaks -> the test that must notice.
RULES = {
    "order": "test_outputs_have_the_declared_names_in_order",
    "axis": "test_the_first_axis_of_every_output_is_that_of_the_items",
    "batch": "test_a_batch_gives_what_its_items_give",
    "repeat": "test_the_same_query_gives_the_same_answer",
    "inputs": "test_inputs_are_not_changed",
    "outputs": "test_outputs_stay_valid_after_the_next_call",
    "waiting": "test_an_answer_is_complete_on_return",
    "describe": "test_it_says_what_it_is",
    "threads": "test_threads_are_as_asked",
    "file": "test_a_broken_file_is_refused",
    "answering": "test_it_keeps_answering",
    "precision": "test_an_unsupported_precision_is_refused",
    "device": "test_an_absent_device_is_refused",
}

SUITE = """
    import json
    from pathlib import Path

    import numpy as np

    from pytest_mlmodelscope.testing.frameworks import FrameworkTests, TinyModel


    class TestFake(FrameworkTests):
        framework = "fake"
        folder = Path({folder!r})

        def build(self, folder, environment):
            path = folder / "model.json"
            path.write_text(json.dumps({{"scale": 2.0}}))
            x = np.arange(12, dtype=np.float32).reshape(3, 4)
            return TinyModel(
                files={{"model": path}},
                options={{"breaks": {breaks!r}}},
                inputs=[{{"name": "x", "dtype": "float32", "shape": ["batch", 4]}}],
                outputs=[{{"name": "y"}}, {{"name": "z"}}],
                items=[{{"x": row}} for row in x],
            )
"""


def run(pytester, breaks):
    pytester.makepyfile(test_fake=SUITE.format(folder=str(FAKE), breaks=breaks))
    return pytester.runpytest_inprocess("-q", "-p", "no:cacheprovider", "-rf")


def test_every_rule_has_a_fake_that_breaks_it():
    rules = {name for name in vars(FrameworkTests) if name.startswith("test_")}
    assert rules == set(RULES.values())


def test_a_framework_that_keeps_all_rules_passes(pytester):
    run(pytester, "nothing").assert_outcomes(passed=len(RULES))


@pytest.mark.parametrize("breaks", RULES)
def test_a_broken_rule_fails_its_test_and_no_other(pytester, breaks):
    result = run(pytester, breaks)
    result.assert_outcomes(passed=len(RULES) - 1, failed=1)
    result.stdout.fnmatch_lines([f"FAILED *::{RULES[breaks]}*"])


def test_an_answer_that_a_device_still_writes_is_noticed(pytester):
    # Other rules fail as well, as the values are not there yet.
    run(pytester, "writing").stdout.fnmatch_lines(["FAILED *::test_an_answer_is_complete_on_return*"])
