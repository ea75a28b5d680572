"""Models whose code is an asset, and arguments that are objects."""

import sys

import pytest

from pytest_mlmodelscope.frameworks.python import predictor, source


@pytest.fixture
def modules():
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


def request(files=None, **options):
    return {
        "files": files or {},
        "options": options,
        "inputs": [{"name": "text", "dtype": "string", "shape": ["batch"]}],
        "outputs": [{"name": "out"}],
        "threads": None,
        "device": "cpu",
        "precision": "fp32",
    }


@pytest.fixture
def old_code(tmp_path):
    """A module in a Python that is no more, which reads a file beside it."""
    (tmp_path / "table.txt").write_text("good 2\nbad -3\n")
    (tmp_path / "old_scorer.py").write_bytes(
        b"import os\r\n"
        b"reload(os)\r\n"
        b"lines = open(os.path.join(os.path.dirname(__file__), 'table.txt'))\r\n"
        b"table = dict(map(lambda (w, n): (w, int(n)), [line.split() for line in lines]))\r\n"
        b"lines.close()\r\n"
        b"def score(text):\r\n"
        b"    return sum(table.get(word, 0) for word in text.split())\r\n"
        b"print score('good')\r\n"
    )
    return tmp_path


EDITS = [
    {"pattern": r"reload\(os\)\n", "replace": ""},
    {"pattern": r"lambda \(w, n\): \(w, int\(n\)\)", "replace": "lambda wn: (wn[0], int(wn[1]))"},
    {"pattern": "print .*", "replace": ""},
]


def test_code_of_another_python_runs_after_its_edits(old_code, modules):
    options = {"code": {"file": "old_scorer.py", "edits": EDITS}, "entry": "old_scorer:score"}
    model = predictor.load(request({"code": str(old_code)}, **options))
    assert model.predict({"text": ["good bad", "good good"]}) == {"out": [-1, 4]}
    assert sorted(path.name for path in old_code.iterdir()) == ["old_scorer.py", "table.txt"]


def test_an_asset_that_is_one_file_needs_no_name(tmp_path, modules):
    path = tmp_path / "one_file.py"
    path.write_text("def loud(text):\n    return text.upper()\n")
    model = predictor.load(request({"code": str(path)}, entry="one_file:loud"))
    assert model.predict({"text": ["a"]}) == {"out": ["A"]}


@pytest.mark.parametrize(("text", "times"), [("nothing", 0), ("reload(sys)\nreload(sys)\n", 2)])
def test_an_edit_that_does_not_fit_once_is_refused(text, times):
    with pytest.raises(ValueError, match=f"fits {times} times, not once"):
        source.edited(text, [{"pattern": r"reload\(sys\)", "replace": ""}])


def test_a_replacement_is_taken_as_it_is():
    assert source.edited("a-b", [{"pattern": "-", "replace": r"\1"}]) == r"a\1b"


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"has no file gone\.py"):
        source.install(str(tmp_path), {"file": "gone.py"})


def test_arguments_may_be_objects():
    partial = {"args": [{"entry": "json:dumps"}], "kwargs": {"default": {"entry": "builtins:str"}, "indent": 1}}
    model = predictor.load(request(entry="functools:partial", construct=partial))
    assert model.predict({"text": ["a"]}) == {"out": ['"a"']}


def test_a_mapping_with_more_than_an_entry_is_a_mapping():
    keep = {"args": [{"entry": "json:dumps", "more": 1}]}
    model = predictor.load(request(entry="builtins:dict", construct=keep, call="get"))
    assert model.predict({"text": ["entry", "none"]}) == {"out": ["json:dumps", None]}
