"""MXNet keeps every rule, and takes no file for what it is not."""

import json
import struct

import numpy as np
import pytest
from tiny import ITEMS, OUTPUTS, X, run_inside

from pytest_mlmodelscope.agent.archive import archive
from pytest_mlmodelscope.agent.environment import Environments
from pytest_mlmodelscope.core.manifest import FrameworkUse
from pytest_mlmodelscope.frameworks.mxnet.params import check_whole
from pytest_mlmodelscope.manifest.cache import Cache
from pytest_mlmodelscope.testing.frameworks import FrameworkTests, TinyModel

BUILD = """
    import sys, mxnet, numpy
    x, w = mxnet.sym.Variable("x"), mxnet.sym.Variable("w")
    y = mxnet.sym.dot(x, w, name="y")
    mxnet.sym.Group([y, mxnet.sym.tanh(y, name="z")]).save(sys.argv[1])
    values = numpy.arange(16, dtype=numpy.float32).reshape(4, 4) / 8
    mxnet.nd.save(sys.argv[2], {"arg:w": mxnet.nd.array(values)})
"""


@pytest.fixture(scope="module")
def environment():
    return Environments(Cache().root).obtain(FrameworkUse("mxnet"))


class TestMxnet(FrameworkTests):
    framework = "mxnet"

    def build(self, folder, environment):
        files = {"symbol": folder / "tiny-symbol.json", "params": folder / "tiny-0000.params"}
        run_inside(environment, BUILD, *files.values())
        return TinyModel(files=files, inputs=[X], outputs=OUTPUTS[::-1], items=ITEMS)

    def test_the_figures_are_right_for_any_size_of_a_batch(self, opened):
        agent, about = opened
        w = np.arange(16, dtype=np.float32).reshape(4, 4) / 8
        # More sizes than stay bound, and the first one again.
        for size in (1, 2, 3, 4, 5, 6, 1):
            x = np.random.default_rng(size).random((size, 4), dtype=np.float32)
            outputs, _ = agent.predict({"x": x})
            np.testing.assert_allclose(outputs["y"], x @ w, rtol=1e-5, atol=1e-6)
            np.testing.assert_allclose(outputs["z"], np.tanh(x @ w), rtol=1e-5, atol=1e-6)
        assert about["parameters"] == 16
        assert about["engine"] == "NaiveEngine"


VARIANTS = """
    import json, sys
    sys.path.insert(0, sys.argv[1])
    from pytest_mlmodelscope.frameworks.mxnet.predictor import load, mxnet
    import numpy

    one, folder, answers = mxnet.nd.ones, sys.argv[2], {}
    x = mxnet.sym.Variable("x")
    inner = mxnet.sym.FullyConnected(mxnet.sym.BatchNorm(x, name="bn"), num_hidden=2, name="fc")
    symbol = mxnet.sym.SoftmaxOutput(inner, name="softmax").tojson()
    weights = {"arg:fc_weight": one((2, 4)), "arg:fc_bias": one(2), "arg:bn_gamma": one(4), "arg:bn_beta": one(4)}
    weights.update({"aux:bn_moving_mean": one(4), "aux:bn_moving_var": one(4)})

    def without(name):
        return {key: value for key, value in weights.items() if key != name}

    def changed(**attributes):
        graph = json.loads(symbol)
        [node] = [node for node in graph["nodes"] if node["name"] == "fc"]
        node.update(attributes)
        return json.dumps(graph)

    def answer(name, text=symbol, weights=weights, output="softmax"):
        files = {"symbol": "%s/%s.json" % (folder, name), "params": "%s/%s.params" % (folder, name)}
        with open(files["symbol"], "w") as file:
            file.write(text)
        mxnet.nd.save(files["params"], weights)
        request = {"files": files, "options": {}, "outputs": [{"name": output}], "threads": 1, "device": "cpu"}
        request.update(inputs=[{"name": "x", "dtype": "float32", "shape": ["batch", 4]}], precision="fp32")
        try:
            answers[name] = load(request).predict({"x": numpy.ones((3, 4), "float32")})[output].tolist()
        except (ValueError, TypeError) as error:
            answers[name] = str(error)

    answer("whole")
    answer("inside", output="fc")
    answer("unknown output", output="q")
    answer("missing weight", weights=without("arg:fc_bias"))
    answer("missing statistics", weights=without("aux:bn_moving_var"))
    answer("another shape", weights=dict(weights, **{"arg:fc_bias": one(3)}))
    answer("no names", weights=list(weights.values()))
    answer("half precision", weights={key: value.astype("float16") for key, value in weights.items()})
    answer("own code", changed(op="Custom"))
    answer("address", changed(op="_Native", attrs={"info": "0x7f0000000000"}))
    answer("inside of a loop", changed(subgraphs=[json.loads(changed(op="Custom"))]))
    answer("circle", changed(inputs=[[len(json.loads(symbol)["nodes"]) - 1, 0, 0]]))
    answer("no operator", changed(op="NoSuchThing"))
    answer("no outputs", json.dumps(dict(json.loads(symbol), heads=[])))
    answer("list", "[]")
    answer("deep", "[" * 100000)
    with open(folder + "/answers.json", "w") as file:
        json.dump(answers, file)
"""


class TestWhatFilesMayHold:
    """What MXNet would fill with what is in memory, call or go round in for ever is refused in one sentence."""

    @pytest.fixture(scope="class")
    @classmethod
    def answers(cls, tmp_path_factory, environment):
        folder = tmp_path_factory.mktemp("models")
        (folder / "code.zip").write_bytes(archive("mxnet"))
        run_inside(environment, VARIANTS, folder / "code.zip", folder)
        return json.loads((folder / "answers.json").read_text())

    def test_the_label_of_a_loss_may_be_missing(self, answers):
        assert answers["whole"] == [[0.5, 0.5]] * 3

    def test_an_output_may_lie_inside(self, answers):
        # (1 - 1) * 1 + 1 for each of four, and the bias
        assert answers["inside"] == [[5.0, 5.0]] * 3

    @pytest.mark.parametrize(
        ("model", "said"),
        [
            ("unknown output", 'the model has no output "q"; it has softmax_output'),
            ("missing weight", '"fc_bias" is neither among the weights nor among the inputs'),
            ("missing statistics", '"bn_moving_var" is neither among the weights nor among the inputs'),
            ("another shape", '"fc_bias" has the shape (3,); the graph wants (2,)'),
            ("no names", "the weights in the file have no names"),
            ("half precision", "the precision fp32 cannot be given here; possible: fp16"),
            ("own code", 'the file of the graph is not a symbol of MXNet: "fc" is an operator Custom'),
            ("address", 'the file of the graph is not a symbol of MXNet: "fc" is an operator _Native'),
            ("inside of a loop", 'the file of the graph is not a symbol of MXNet: "fc" is an operator Custom'),
            ("circle", 'the file of the graph is not a symbol of MXNet: "fc" takes what comes after it'),
            ("no operator", "MXNet says: Failed loading Op fc of type NoSuchThing"),
            ("no outputs", "the file of the graph is not a symbol of MXNet: it has no outputs"),
            ("list", "the file of the graph is not a symbol of MXNet: it is built differently"),
            ("deep", "the file of the graph is not a symbol of MXNet: maximum recursion depth"),
        ],
    )
    def test_what_is_no_whole_model_is_refused(self, answers, model, said):
        assert answers[model].startswith(said)


#: How an array of the shape 2 x 3 begins, from the oldest version of MXNet to 1.9.
BEGINNINGS = [
    struct.pack("<III", 2, 2, 3),
    struct.pack("<Iiqq", 0xF993FAC8, 2, 2, 3),
    struct.pack("<Iiiqq", 0xF993FAC9, 0, 2, 2, 3),
]


def weights(beginning, values=bytes(24), names=1):
    on_cpu_float32 = struct.pack("<iii", 1, 0, 0)
    return struct.pack("<QQQ", 0x112, 0, 1) + beginning + on_cpu_float32 + values + struct.pack("<QQ", names, 1) + b"w"


class TestFilesOfWeights:
    """MXNet makes room for what a file promises, however much that is; so it is held against the file first."""

    def test_mxnet_reads_what_passes(self, environment, tmp_path):
        files = [tmp_path / str(index) for index in range(len(BEGINNINGS))]
        for file, beginning in zip(files, BEGINNINGS, strict=True):
            file.write_bytes(weights(beginning))
            check_whole(str(file))
        script = "import mxnet, sys; assert [mxnet.nd.load(file)['w'].shape for file in sys.argv[1:]] == [(2, 3)] * 3"
        run_inside(environment, script, *files)

    @pytest.mark.parametrize("beginning", BEGINNINGS)
    def test_a_file_that_ends_anywhere_before_its_end_is_refused(self, tmp_path, beginning):
        whole = weights(beginning)
        for end in range(len(whole)):
            (tmp_path / "weights").write_bytes(whole[:end])
            with pytest.raises(ValueError, match="the file of the weights is "):
                check_whole(str(tmp_path / "weights"))

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (weights(struct.pack("<I", 2**31)), "damaged: an array has 2147483648 axes"),
            (weights(struct.pack("<Iiiqq", 0xF993FAC9, 0, 2, -2, 3)), r"damaged: an array has the shape \[-2, 3\]"),
            (weights(struct.pack("<Iiiqq", 0xF993FAC9, 0, 2, 2**40, 2**40)), "cut off or damaged"),
            (weights(struct.pack("<Iiiqq", 0xF993FAC9, 1, 2, 2, 3)), "sparse"),
            (weights(BEGINNINGS[2], names=0), "no names"),
            (b"PK" * 40, "not one of MXNet"),
        ],
    )
    def test_what_cannot_be_is_refused(self, tmp_path, content, said):
        (tmp_path / "weights").write_bytes(content)
        with pytest.raises(ValueError, match=said):
            check_whole(str(tmp_path / "weights"))
