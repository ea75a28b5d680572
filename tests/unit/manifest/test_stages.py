"""Pipelines of models as manifests declare them: what is accepted, and what is said of what is not."""

from __future__ import annotations

import dataclasses

import pytest

from pytest_mlmodelscope.core.errors import DocumentError, UsageError
from pytest_mlmodelscope.interfaces.step import Kind
from pytest_mlmodelscope.manifest import stages
from pytest_mlmodelscope.manifest.load import Catalogue, load_model
from pytest_mlmodelscope.manifest.placing import mixed

HEAD = 'schema: model/1\nname: {name}\nversion: "1"\ntask: any\nlicense: MIT\ndescription: A model.\n'
USES = "frameworks: {{{}}}\n"
MODELS = {
    "finder": "inputs: [{name: x, dtype: float32, steps: [decode]}]\n"
    "outputs: [{name: y, dtype: float32, steps: [text_boxes]}]\n",
    "reader": "inputs: [{name: x, dtype: float32, steps: [decode]}]\n"
    "outputs: [{name: y, steps: [{ctc: {characters: ab}}]}]\n",
    "classifier": "inputs: [{name: x, dtype: float32, steps: [decode]}]\noutputs: [{name: y, steps: [argmax]}]\n",
    "writer": "inputs: [{name: x, dtype: string, shape: [batch]}]\noutputs: [{name: y, dtype: string}]\n",
    "numbers": "inputs: [{name: x, dtype: float32}]\noutputs: [{name: y, dtype: float32}]\n",
    "files": "inputs: [{name: x, dtype: string, steps: [read_text]}]\noutputs: [{name: y, dtype: string}]\n",
}
PIPELINE = """\
pipeline:
  find: {model: finder}
  read: {model: reader, of: find, how: crops}
  shout: {model: writer, of: read, how: each}
outputs:
  - name: shout
    steps: [join]
"""


@pytest.fixture
def catalogue(tmp_path):
    """Makes a catalogue with the models above, all on the framework python, and more of them by name."""
    folder = tmp_path / "models"
    folder.mkdir()

    def made(**more):
        for name, body in MODELS.items():
            (folder / f"{name}.yml").write_text(HEAD.format(name=name) + body + USES.format("python: {entry: 'a:b'}"))
        for name, body in more.items():
            (folder / f"{name}.yml").write_text(HEAD.format(name=name) + body)
        return Catalogue([tmp_path])

    return made


@pytest.fixture
def pipeline(catalogue):
    """The pipeline above, something in it replaced."""

    def made(old="", new="", **more):
        assert old in PIPELINE, "the test changes nothing"
        return catalogue(pipe=PIPELINE.replace(old, new, 1), **more).model("pipe", "")

    return made


def test_a_pipeline_is_a_model(pipeline):
    model = pipeline()
    assert [(stage.name, stage.model.name, stage.of, stage.how) for stage in model.stages] == [
        ("find", "finder", None, "whole"),
        ("read", "reader", "find", "crops"),
        ("shout", "writer", "read", "each"),
    ]
    assert list(model.frameworks) == ["python"]
    assert [output.name for output in model.outputs] == ["shout"]


def test_it_answers_with_its_last_stage_where_it_names_none(pipeline):
    assert [output.name for output in pipeline("outputs:\n  - name: shout\n    steps: [join]\n", "").outputs] == [
        "shout"
    ]


def test_what_it_takes_and_gives_is_known_of_its_stages(pipeline):
    model = pipeline()
    assert stages.model_takes(model) == Kind("picture")
    assert stages.model_gives(model) == Kind("text")
    several = pipeline("    steps: [join]\n", "")
    assert stages.model_gives(several) == Kind("text", 1)


def test_a_pipeline_is_a_stage_of_another(pipeline):
    outer = "pipeline:\n  all: {model: pipe}\n  again: {model: writer, of: all}\n"
    pipeline()
    model = pipeline(outer=outer)
    assert model.name == "pipe"


def test_models_beside_the_file_are_found_without_a_catalogue(pipeline):
    assert len(load_model(pipeline().path).stages) == 3


# -- the digest -----------------------------------------------------------------------------------------


def test_the_digest_rests_on_those_of_the_stages(pipeline, monkeypatch):
    before = pipeline().digest
    assert pipeline().digest == before
    monkeypatch.setitem(MODELS, "reader", MODELS["reader"].replace("ab", "abc"))
    assert pipeline().digest != before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("how: each}", "how: each, framework: python}"),
        ("how: each}", "how: each, steps: [lowercase]}"),
        ("[join]", "[{join: {with: x}}]"),
    ],
)
def test_the_digest_rests_on_how_they_are_put_together(pipeline, old, new):
    before = pipeline().digest
    assert pipeline(old, new).digest != before


def test_the_digest_does_not_rest_on_what_a_stage_s_model_is_called(catalogue):
    first = catalogue(pipe=PIPELINE).model("pipe", "").digest
    same = catalogue(
        scribe=MODELS["reader"] + USES.format("python: {entry: 'a:b'}"), pipe=PIPELINE.replace("reader", "scribe")
    )
    assert same.model("pipe", "").digest == first


# -- what is refused ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "line", "what", "hint"),
    [
        ("model: reader", "model: redaer", 9, 'no model is called "redaer"', 'did you mean "reader"?'),
        ("of: find", "of: fnid", 9, 'no stage is called "fnid"', 'did you mean "find"?'),
        ("of: find", "off: find", 9, 'unknown key "off"', 'did you mean "of"?'),
        ("how: crops", "how: crop", 9, "is not one of the choices", 'did you mean "crops"?'),
        ("of: find", "of: shout", 9, 'takes what "shout" decides, which comes later', "in the order of the file"),
        ("of: find", "of: read", 9, "takes what it decides itself", "in the order of the file"),
        ("name: shout", "name: shuot", 12, 'no stage is called "shuot"', 'did you mean "shout"?'),
        ("  find: {model: finder}", "  item: {model: finder}", 8, 'no stage can be called "item"', "is given"),
        ("{model: finder}", "{model: finder, how: each}", 8, '"each" is of what another stage decides', "add `of:`"),
        ("{model: finder}", "{model: finder, framework: pyhton}", 8, 'no framework is called "pyhton"', '"python"'),
        ("{model: finder}", "{model: finder, framework: jax}", 8, 'finder has no framework "jax"', "python"),
        (", how: crops", "", 9, "cannot take what it is given", "`how: crops`"),
        (", how: each}", "}", 10, "cannot take what it is given", "`how: each`"),
        ("how: each", "how: crops", 10, "read gives no boxes to cut out", "mlms steps"),
        ("{model: writer, of: read", "{model: writer, of: find", 10, "cannot take what it is given", "`how: crops`"),
        ("steps: [join]", "steps: [jion]", 13, 'no step is called "jion"', 'did you mean "join"?'),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_to_do(pipeline, old, new, line, what, hint):
    with pytest.raises(DocumentError) as caught:
        pipeline(old, new)
    assert what in caught.value.what
    assert caught.value.where.endswith(f"pipe.yml:{line}")
    assert hint in caught.value.hint


def test_boxes_cannot_feed_a_model_of_text(catalogue):
    broken = "pipeline:\n  find: {model: finder}\n  say: {model: writer, of: find, how: each}\n"
    with pytest.raises(DocumentError) as caught:
        catalogue(pipe=broken).model("pipe", "")
    assert caught.value.expected == "text, for writer"
    assert caught.value.got == "box, of find (finder), each"


def test_stages_that_take_the_item_for_different_things_are_refused(catalogue):
    with pytest.raises(DocumentError, match="take the item for different things") as caught:
        catalogue(pipe="pipeline: {a: {model: classifier}, b: {model: files}}\n").model("pipe", "")
    assert (caught.value.expected, caught.value.got) == ("picture, for classifier", "file, for files")


def test_a_list_of_nothing_known_may_be_anything(catalogue):
    fine = "pipeline:\n  ask: {model: numbers}\n  say: {model: numbers, of: ask, how: each}\n"
    assert len(catalogue(pipe=fine).model("pipe", "").stages) == 2


@pytest.mark.parametrize("key", ["frameworks: {python: {entry: 'a:b'}}", "inputs: []", "elsewhere: not here"])
def test_what_belongs_to_the_stages_is_refused_of_the_pipeline(catalogue, key):
    with pytest.raises(DocumentError, match=f'a pipeline has no "{key.partition(":")[0]}"'):
        catalogue(pipe=PIPELINE + key + "\n").model("pipe", "")


def test_a_model_needs_frameworks_or_a_pipeline(catalogue):
    with pytest.raises(DocumentError, match='key "frameworks" is missing') as caught:
        catalogue(bare="").model("bare", "")
    assert "`pipeline`" in str(caught.value.expected)


@pytest.mark.parametrize(
    ("one", "other", "circle"),
    [("one", "one", "one of one"), ("other", "one", "one of other of one")],
)
def test_a_pipeline_that_is_a_stage_of_itself_is_refused(catalogue, one, other, circle):
    kept = catalogue(one=f"pipeline: {{a: {{model: {one}}}}}\n", other=f"pipeline: {{a: {{model: {other}}}}}\n")
    with pytest.raises(DocumentError, match="goes round in circles") as caught:
        kept.model("one", "")
    assert caught.value.got == circle
    assert caught.value.where.rpartition("/")[2] in ("one.yml:7", "other.yml:7")


def test_a_model_that_learns_first_is_no_stage(catalogue):
    learner = MODELS["writer"] + USES.format("python: {entry: 'a:b', fit: {}}")
    with pytest.raises(DocumentError, match="is trained on a claim's data first"):
        catalogue(learner=learner, pipe="pipeline: {a: {model: learner}}\n").model("pipe", "")


# -- frameworks -----------------------------------------------------------------------------------------

TWO = "inputs: [{name: x, dtype: string, shape: [batch]}]\noutputs: [{name: y, dtype: string}]\n"
ON_BOTH = (
    TWO
    + "assets: {a: {path: a, sha256: %s, size: 1, license: MIT}}\n" % ("a" * 64)
    + ("frameworks: {python: {entry: 'a:b'}, onnxruntime: {assets: {model: a}}}\n")
)
ON_ONE = ON_BOTH.replace("python: {entry: 'a:b'}, ", "")


def frameworks_of(catalogue, pipeline, **models):
    return list(catalogue(pipe=pipeline, **models).model("pipe", "").frameworks)


def test_it_runs_where_all_of_its_stages_do(catalogue):
    text = "pipeline: {a: {model: both}, b: {model: writer, of: a}}\n"
    assert frameworks_of(catalogue, text, both=ON_BOTH) == ["python"]


def test_a_stage_with_a_framework_of_its_own_leaves_the_choice_to_the_others(catalogue):
    text = "pipeline: {a: {model: both}, b: {model: writer, of: a, framework: python}}\n"
    assert frameworks_of(catalogue, text, both=ON_BOTH) == ["python", "onnxruntime"]


def test_where_every_stage_has_one_it_goes_by_that_of_the_answer(catalogue):
    text = "pipeline: {a: {model: one, framework: onnxruntime}, b: {model: writer, of: a, framework: python}}\n"
    assert frameworks_of(catalogue, text, one=ON_ONE) == ["python"]


def test_stages_that_share_no_framework_are_refused(catalogue):
    text = "pipeline: {a: {model: one}, b: {model: writer, of: a}}\n"
    with pytest.raises(DocumentError, match="no framework runs all of the stages") as caught:
        frameworks_of(catalogue, text, one=ON_ONE)
    assert caught.value.got == "a: onnxruntime; b: python"
    assert "framework:" in caught.value.hint


PAIR = "pipeline:\n  a: {model: one}\n  b: {model: two}\n"


@pytest.mark.parametrize(
    ("chosen", "name"),
    [
        ([("b", "python"), ("a", "onnxruntime")], "a=onnxruntime+b=python"),
        ([("a", "python"), ("b", "python")], "python"),
        ([("a", "onnxruntime")], None),
        ([("a", "onnxruntime"), ("c", "python")], None),
        ([("a", "onnxruntime"), ("b", "onnxruntime")], None),
    ],
)
def test_each_stage_is_put_on_one_of_its_own_frameworks(catalogue, chosen, name):
    model = catalogue(pipe=PAIR, one=ON_BOTH, two=ON_BOTH.replace(", onnxruntime: {assets: {model: a}}", "")).model(
        "pipe", ""
    )
    if name is None:
        with pytest.raises(UsageError):
            mixed(model, chosen)
    else:
        use = mixed(model, chosen)
        assert (use.name, {stage.name: use.of(stage).name for stage in model.stages}) == (name, dict(chosen))


@pytest.mark.parametrize(
    ("chosen", "what", "hint"),
    [
        ([("b", "python")], "no framework is chosen for the stage a", "a=FRAMEWORK+b=python"),
        ([("c", "python")], 'the model pipe has no stage "c"', "a"),
        ([("a", "onnxruntme")], 'the stage a .one. has no framework "onnxruntme"', "onnxruntime"),
    ],
)
def test_frameworks_that_stages_cannot_have_are_refused(catalogue, chosen, what, hint):
    model = catalogue(pipe=PAIR, one=ON_BOTH, two=ON_BOTH).model("pipe", "")
    with pytest.raises(UsageError, match=what) as refused:
        mixed(model, chosen)
    assert hint in refused.value.hint


def test_a_stage_that_always_runs_on_one_framework_is_put_on_no_other(catalogue):
    body = PAIR.replace("one}", "one, framework: python}")
    model = catalogue(pipe=body, one=ON_BOTH, two=ON_BOTH).model("pipe", "")
    with pytest.raises(UsageError, match="the stage a always runs on python"):
        mixed(model, [("a", "onnxruntime"), ("b", "python")])
    use = mixed(model, [("b", "onnxruntime")])
    assert [use.of(stage).name for stage in model.stages] == ["python", "onnxruntime"]


def test_stages_are_no_matter_of_a_single_model(catalogue):
    with pytest.raises(UsageError, match="has no stage") as refused:
        mixed(catalogue().model("writer", ""), [("a", "python")])
    assert refused.value.hint == "writer is no pipeline"


def test_a_kind_is_told_in_words():
    kind = Kind("box")
    assert [str(dataclasses.replace(kind, depth=depth)) for depth in range(3)] == [
        "box",
        "a list of box",
        "lists of lists of box",
    ]
