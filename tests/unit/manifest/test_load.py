"""Manifests: what is accepted, and what is said of what is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_mlmodelscope.core.errors import DocumentError
from pytest_mlmodelscope.core.manifest import Step
from pytest_mlmodelscope.manifest.load import Catalogue, load_dataset, load_model, refuse_other_name

SHA = "a" * 64
MODEL = f"""\
schema: model/1
name: net
version: "1"
task: image_classification
license: MIT
description: A network.
assets:
  onnx:
    package: magika==1.0.3
    file: models/net.onnx
    sha256: {SHA}
    size: 12
    license: MIT
  words: {{path: words.txt, sha256: {SHA}, size: 3, license: MIT}}
inputs:
  - name: x
    dtype: float32
    shape: [batch, 3, 8, 8]
    steps:
      - decode
      - resize: {{size: [8, 8]}}
outputs:
  - name: y
    shape: [batch, 10]
    steps:
      - argmax
      - labels: {{asset: words}}
frameworks:
  onnxruntime:
    assets: {{model: onnx}}
    graph_optimization: basic
    packages: ["onnx==1.16.0"]
    version: ">=1.18"
  python:
    entry: net:Model
    inputs: [{{name: raw, dtype: string}}]
attributes: {{training_dataset: ImageNet}}
"""
DATASET = f"""\
schema: dataset/1
name: lines
version: "1"
license: MIT
description: Lines.
assets:
  text: {{url: "https://example.org/lines.txt", sha256: {SHA}, size: 12, license: MIT}}
splits:
  test:
    items: 3
    reader:
      table:
        asset: text
        columns: {{input: 0, label: 1}}
    exclude_labels: [xx]
"""


@pytest.fixture
def model(tmp_path):
    return _loader(tmp_path, "net.yml", MODEL, load_model)


@pytest.fixture
def dataset(tmp_path):
    return _loader(tmp_path, "lines.yml", DATASET, load_dataset)


def _loader(folder, name, text, load):
    def loaded(old="", new="", count=1):
        assert old in text, "the test changes nothing"
        path = folder / name
        path.write_text(text.replace(old, new, count))
        return load(path)

    return loaded


def test_a_model_manifest_becomes_data(model, tmp_path):
    loaded = model()
    assert (loaded.name, loaded.version, loaded.task) == ("net", "1", "image_classification")
    assert loaded.assets["onnx"].package == "magika==1.0.3"
    assert loaded.assets["onnx"].base == tmp_path
    assert loaded.assets["onnx"].where.endswith("net.yml:8")
    assert loaded.inputs[0].batched
    assert loaded.inputs[0].steps == (Step("decode", {}), Step("resize", {"size": [8, 8]}))
    assert loaded.outputs[0].steps[1] == Step("labels", {"asset": "words"})
    assert loaded.attributes == {"training_dataset": "ImageNet"}


def test_what_is_common_to_frameworks_is_kept_apart_from_their_options(model):
    uses = model().frameworks
    assert uses["onnxruntime"].options == {"graph_optimization": "basic"}
    assert uses["onnxruntime"].assets == {"model": "onnx"}
    assert uses["onnxruntime"].packages == ("onnx==1.16.0",)
    assert uses["onnxruntime"].version == ">=1.18"
    assert uses["python"].options == {"entry": "net:Model"}
    assert uses["python"].inputs[0].name == "raw"


def test_a_dataset_manifest_becomes_data(dataset):
    split = dataset().splits["test"]
    assert (split.items, split.reader) == (3, "table")
    assert split.options == {"asset": "text", "columns": {"input": 0, "label": 1}}
    assert split.exclude_labels == {"xx"}
    assert split.where.endswith("lines.yml:9")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("A network.", "Another description."),
        ("path: words.txt", "path: elsewhere/words.txt"),
        ("license: MIT", "license: Apache-2.0"),
        ("attributes: {training_dataset: ImageNet}", ""),
        ("package: magika==1.0.3\n    file: models/net.onnx", "url: https://example.org/net.onnx"),
    ],
)
def test_the_digest_does_not_depend_on_words_and_origins(model, old, new):
    before = model().digest
    assert model(old, new).digest == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (f"sha256: {SHA}", f"sha256: {'b' * 64}"),
        ("size: [8, 8]", "size: [9, 9]"),
        ("      - argmax\n", ""),
        ("graph_optimization: basic", "graph_optimization: none"),
        ("onnx==1.16.0", "onnx==1.16.1"),
    ],
)
def test_the_digest_depends_on_bytes_and_on_how_they_are_used(model, old, new):
    before = model().digest
    assert model(old, new).digest != before


BAD_MODELS = [
    # (replace, by, line, what is said, what is offered)
    ("task: image", "tsak: image", 4, 'unknown key "tsak"', 'did you mean "task"?'),
    ("license: MIT\ndesc", "desc", 1, 'key "license" is missing', "license:"),
    ("schema: model/1", "schema: model/2", 1, "model/1", ""),
    ("name: net\n", "name: a b\n", 2, "not of the form wanted", ""),
    ('version: "1"', "version: 1", 3, "wrong type", ""),
    ("name: net\n", "name: net\nname: net\n", 3, 'key "name" is given twice', "remove or rename"),
    ("    size: 12", "    sise: 12", 12, 'unknown key "sise"', 'did you mean "size"?'),
    ("    size: 12\n", "", 8, 'key "size" is missing', "size:"),
    ("    size: 12", "    size: -1", 12, "minimum", ""),
    ("    size: 12", "    size: twelve", 12, "wrong type", ""),
    (f"    sha256: {SHA}", "    sha256: abc", 11, "not of the form wanted", ""),
    ("magika==1.0.3", "magika", 9, "not of the form wanted", ""),
    ("magika==1.0.3", "magika>=1", 9, "not of the form wanted", ""),
    ("magika==1.0.3", "magika==1.x", 9, '"1.x" is not a version', "pin one version"),
    ("magika==1.0.3", '"@scope/magika==1.0.3"', 9, "is not a name of pypi", "registry: npm"),
    ("    package: magika==1.0.3\n", "", 8, '"onnx" comes from nowhere', "package: NAME==VERSION"),
    ("    file: models/net.onnx", "    url: https://e.org/x", 8, "comes from package and url", "mirrors"),
    ("    file: models/net.onnx", "    path: x", 8, "comes from package and path", ""),
    ("    file: models/net.onnx\n", "", 8, "which part of the package", "`file:`"),
    ("file: models/net.onnx", "file: models/../../net.onnx", 10, 'must not hold ".."', ""),
    ("    file: models/net.onnx", "    tree: models/**\n    member: x", 11, '"member" goes with "file" only', ""),
    (
        "    file: models/net.onnx",
        "    file: a.tar\n    tree: m/**\n    member: x",
        11,
        '"member" and "tree" exclude each other',
        "",
    ),
    (
        "    file: models",
        "    mirrors: ['https://e.org/x']\n    file: models",
        10,
        '"mirrors" goes with "url" only',
        "",
    ),
    ("words: {path", "words: {registry: npm, path", 14, '"registry" goes with "package" only', ""),
    ("words: {path", "words: {kind: sdist, path", 14, '"kind" goes with "package" only', ""),
    (
        "    file: models",
        "    registry: npm\n    kind: sdist\n    file: models",
        11,
        '"kind" is for packages of pypi only',
        "",
    ),
    ("    file: models", "    registry: pypy\n    file: models", 10, "not one of the choices", 'did you mean "pypi"?'),
    ("    file: models", "    kind: whele\n    file: models", 10, "not one of the choices", 'did you mean "wheel"?'),
    ("dtype: float32", "dtype: flaot32", 17, "not one of the choices", 'did you mean "float32"?'),
    ("    dtype: float32\n", "", 16, 'key "dtype" is missing', "dtype:"),
    ("shape: [batch, 3, 8, 8]", "shape: [batch, -3]", 18, "", ""),
    ("- decode\n", "- decod\n", 20, 'no step is called "decod"', 'did you mean "decode"?'),
    ("- resize: {size", "- resise: {size", 21, 'no step is called "resise"', 'did you mean "resize"?'),
    ("- resize: {size", "- resize: {siz", 21, 'unknown key "siz"', 'did you mean "size"?'),
    ("- resize: {size: [8, 8]}", "- resize", 21, "is missing", "size:"),
    ("- resize: {size: [8, 8]}", "- resize: 8", 21, "", ""),
    ("- resize: {size: [8, 8]}", "- {resize: {size: [8, 8]}, decode: {}}", 21, "", ""),
    ("labels: {asset: words}", "labels: {asset: wrods}", 27, 'has no asset "wrods"', 'did you mean "words"?'),
    ("  - name: y\n", "  - name: y\n  - name: y\n", 24, 'two of the outputs are called "y"', "rename"),
    ("    steps:\n      - decode", "    constant: 1\n    steps:\n      - decode", 20, 'has no "steps"', "drop steps"),
    ("  onnxruntime:", "  onnxrutime:", 29, 'no framework is called "onnxrutime"', 'did you mean "onnxruntime"?'),
    ("graph_optimization: b", "graph_optimisation: b", 31, "takes no", 'did you mean "graph_optimization"?'),
    ("    packages: [", "    pakcages: [", 32, 'takes no "pakcages"', 'did you mean "packages"?'),
    ("graph_optimization: basic", "graph_optimization: bsic", 31, "not one of the choices", 'did you mean "basic"?'),
    ("assets: {model: onnx}", "assets: {modle: onnx}", 30, 'asset as "modle"', 'did you mean "model"?'),
    ("assets: {model: onnx}", "assets: {model: onxn}", 30, 'has no asset "onxn"', 'did you mean "onnx"?'),
    ("    assets: {model: onnx}\n", "", 29, 'needs an asset as "model"', "assets: {model: NAME}"),
    ("entry: net:Model", "entry: net", 35, "not of the form wanted", ""),
    ("    entry: net:Model\n", "", 34, 'key "entry" is missing', "entry:"),
    (
        "entry: net:Model",
        "entry: net:Model\n    assets: {model: onnx}",
        36,
        "no use for an asset",
        'did you mean "code"?',
    ),
    ('"onnx==1.16.0"', '"onnx>=1.16.0"', 32, "not of the form wanted", ""),
    ('"onnx==1.16.0"', '"onnx==1.*"', 32, "does not pin a package", ""),
    ('"onnx==1.16.0"', '"=="', 32, "does not pin a package", ""),
    ('version: ">=1.18"', "version: latest", 33, "not a requirement on a version", ">=2,<3"),
    ("frameworks:\n", "frameworks: {}\nattributes2:\n", 1, "unknown key", "attributes"),
    ("\nattributes: {training", "\nattributes: [training", 37, "", ""),
    ("task: image", "task: \timage: x: y", 4, "not valid YAML", "indentation"),
]


@pytest.mark.parametrize(("old", "new", "line", "what", "hint"), BAD_MODELS, ids=range(len(BAD_MODELS)))
def test_a_bad_model_manifest_is_refused_with_its_line_and_what_to_do(model, old, new, line, what, hint):
    with pytest.raises(DocumentError) as caught:
        model(old, new)
    found = int(re.match(r".*net\.yml:(\d+)$", caught.value.where)[1])
    assert what in caught.value.what + str(caught.value.expected)
    assert hint in (caught.value.hint or "")
    if line != 1:
        assert found == line


BAD_DATASETS = [
    ("items: 3", "itmes: 3", 10, 'unknown key "itmes"', 'did you mean "items"?'),
    ("items: 3", "items: 0", 10, "minimum", ""),
    ("      table:", "      tabel:", 12, 'no reader is called "tabel"', 'did you mean "table"?'),
    ("asset: text", "asset: txet", 13, 'has no asset "txet"', 'did you mean "text"?'),
    ("        asset: text\n", "", 12, 'key "asset" is missing', "asset:"),
    ("        columns:", "        colunms:", 14, 'unknown key "colunms"', 'did you mean "columns"?'),
    (
        "table:\n        asset: text\n        columns: {input: 0, label: 1}",
        "idx: {assets: {inputs: txet}}",
        12,
        "txet",
        '"text"?',
    ),
    ("exclude_labels: [xx]", "exclude_labels: xx", 15, "wrong type", ""),
    ("splits:\n  test:", "split:\n  test:", 8, 'unknown key "split"', 'did you mean "splits"?'),
    ("https://example.org", "ftp://example.org", 7, "not of the form wanted", ""),
    ("schema: dataset/1", "schema: model/1", 1, "dataset/1", ""),
]


@pytest.mark.parametrize(("old", "new", "line", "what", "hint"), BAD_DATASETS, ids=range(len(BAD_DATASETS)))
def test_a_bad_dataset_manifest_is_refused_with_its_line_and_what_to_do(dataset, old, new, line, what, hint):
    with pytest.raises(DocumentError) as caught:
        dataset(old, new)
    assert caught.value.where.endswith(f"lines.yml:{line}")
    assert what in caught.value.what + str(caught.value.expected)
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just text\n", "\0\1", "a: &a [*a]\n"])
@pytest.mark.parametrize("load", [load_model, load_dataset])
def test_what_is_no_manifest_at_all_is_refused_with_its_place(tmp_path, text, load):
    path = tmp_path / "m.yml"
    path.write_text(text)
    with pytest.raises(DocumentError, match=r"m\.yml"):
        load(path)


@pytest.mark.parametrize(
    ("constant", "what"),
    [
        ("{name: c, dtype: string, constant: 1}", "is a number"),
        ("{name: c, dtype: int64, constant: 1, field: f}", 'has no "field"'),
        ("{name: c, dtype: int64, constant: 1, shape: [batch, n]}", 'length for the axis "n"'),
    ],
)
def test_a_constant_input_must_be_one_that_can_be_made(model, constant, what):
    with pytest.raises(DocumentError, match=re.escape(what)):
        model("inputs:\n  - name: x", f"inputs:\n  - {constant}\n  - name: x")


# -- catalogues ---------------------------------------------------------------------------


@pytest.fixture
def roots(tmp_path):
    for root in ("mine", "bundled"):
        (tmp_path / root / "models").mkdir(parents=True)
        (tmp_path / root / "datasets").mkdir()
    (tmp_path / "mine/models/net.yml").write_text(MODEL.replace("A network.", "Mine."))
    (tmp_path / "bundled/models/net.yml").write_text(MODEL)
    (tmp_path / "bundled/models/other.yaml").write_text(MODEL.replace("name: net", "name: other"))
    (tmp_path / "bundled/datasets/lines.yml").write_text(DATASET)
    return [tmp_path / "mine", tmp_path / "bundled", tmp_path / "absent"]


def test_an_earlier_root_of_a_catalogue_wins(roots):
    catalogue = Catalogue(roots)
    assert catalogue.model("net", "c.yml:1").description == "Mine."
    assert catalogue.model_names() == ("net", "other")
    assert catalogue.dataset_names() == ("lines",)
    assert catalogue.dataset("lines", "c.yml:1").name == "lines"


def test_a_catalogue_reads_a_manifest_once(roots):
    catalogue = Catalogue(roots)
    assert catalogue.model("net", "c.yml:1") is catalogue.model("net", "c.yml:2")


def test_an_unknown_name_is_an_error_of_the_place_that_uses_it(roots):
    with pytest.raises(DocumentError) as caught:
        Catalogue(roots).model("nett", "claims/c.yml:7")
    assert caught.value.where == "claims/c.yml:7"
    assert caught.value.hint == 'did you mean "net"?'


def test_an_empty_catalogue_says_where_a_manifest_would_go(tmp_path):
    with pytest.raises(DocumentError, match=r"x\.yml in .*datasets"):
        Catalogue([tmp_path]).dataset("x", "c.yml:1")


def test_a_manifest_under_another_name_than_its_own_is_refused(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models/nett.yml").write_text(MODEL)
    with pytest.raises(DocumentError, match=r"nett\.yml:2: the name is another than the file's"):
        Catalogue([tmp_path]).model("nett", "c.yml:1")


def test_the_bundled_manifests_are_valid():
    root = Path(__file__).parents[3] / "manifests"
    paths = {load: sorted((root / folder).glob("*.yml")) for folder, load in FOLDERS.items()}
    assert all(paths.values())
    for load, found in paths.items():
        for path in found:
            refuse_other_name(load(path))


FOLDERS = {"models": load_model, "datasets": load_dataset}
