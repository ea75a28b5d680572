"""TensorFlow keeps every rule, in each of its formats, and runs nothing that reaches outside a model."""

import pytest
from tiny import ITEMS, OUTPUTS, X, load_inside, run_inside

from pytest_mlmodelscope.agent.environment import Environments
from pytest_mlmodelscope.core.manifest import FrameworkUse
from pytest_mlmodelscope.manifest.cache import Cache
from pytest_mlmodelscope.testing.frameworks import FrameworkTests, TinyModel


class TestSavedModel(FrameworkTests):
    framework = "tensorflow"

    def build(self, folder, environment):
        script = """
            import sys, tensorflow as tf
            class Tiny(tf.Module):
                def __init__(self):
                    super().__init__()
                    self.w = tf.Variable(tf.reshape(tf.range(16.0), (4, 4)) / 8)
                @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32, "x")])
                def __call__(self, x):
                    y = tf.linalg.matmul(x, self.w)
                    return {"y": y, "z": tf.tanh(y), "w": tf.strings.as_string(y, precision=2)}
            tiny = Tiny()
            tf.saved_model.save(tiny, sys.argv[1], signatures=tiny.__call__)
        """
        run_inside(environment, script, folder / "tiny")
        outputs = [*OUTPUTS[::-1], {"name": "w", "dtype": "string"}]
        return TinyModel(files={"model": folder / "tiny"}, inputs=[X], outputs=outputs, items=ITEMS)


#: With a loop of TensorFlow 1, which only a session runs.
FROZEN = """
    import sys, numpy as np, tensorflow as tf
    v1 = tf.compat.v1
    v1.disable_control_flow_v2()
    with tf.Graph().as_default() as graph:
        x = v1.placeholder(tf.float32, [None, 4], name="x")
        w = tf.constant(np.arange(16, dtype=np.float32).reshape(4, 4) / 8, name="w")
        y = tf.matmul(x, w, name="y")
        count = lambda index, value: [index + 1, value / 2]
        halves = v1.while_loop(lambda index, value: index < 3, count, [tf.constant(0), y], name="halves")[1]
        tf.tanh(halves, name="z")
    assert "Enter" in {node.op for node in graph.as_graph_def().node}
    with open(sys.argv[1], "wb") as file:
        file.write(graph.as_graph_def().SerializeToString())
"""


class TestFrozenGraph(FrameworkTests):
    framework = "tensorflow"

    def build(self, folder, environment):
        run_inside(environment, FROZEN, folder / "tiny.pb")
        return TinyModel(
            files={"model": folder / "tiny.pb"},
            options={"format": "frozen_graph"},
            inputs=[X],
            outputs=[{"name": "z"}, {"name": "y:0"}],
            items=ITEMS,
        )


class TestTensorFlow1(TestFrozenGraph):
    """The same on TensorFlow 1, with which many published models were made."""

    @pytest.fixture(scope="class")
    @classmethod
    def environment(cls):
        return Environments(Cache().root).obtain(FrameworkUse("tensorflow", version="<2"))


class TestKeras(FrameworkTests):
    framework = "tensorflow"

    def build(self, folder, environment):
        script = """
            import sys, keras
            keras.utils.set_random_seed(1)
            x = keras.Input((4,), name="x")
            y = keras.layers.Dense(4, name="y")(x)
            keras.Model(x, [y, keras.layers.Activation("tanh", name="z")(y)]).save(sys.argv[1])
        """
        run_inside(environment, script, folder / "tiny.keras")
        return TinyModel(
            files={"model": folder / "tiny.keras"},
            options={"format": "keras"},
            inputs=[X],
            outputs=OUTPUTS[::-1],
            items=ITEMS,
        )


ODD = """
    import os, shutil, sys, keras, numpy as np, tensorflow as tf
    os.chdir(sys.argv[1])
    v1 = tf.compat.v1
    x = tf.TensorSpec([None, 4], tf.float32, "x")

    def saved(name, function):
        module = tf.Module()
        module.serve = tf.function(lambda x: {"y": function(x)}, input_signature=[x])
        module.other = tf.function(lambda x: writing(x), input_signature=[x])
        tf.saved_model.save(module, name, signatures=module.serve)

    def frozen(name, function, dtype=tf.float32):
        with tf.Graph().as_default() as graph:
            tf.identity(function(v1.placeholder(dtype, [None, 4], name="x")), name="y")
        with open(name, "wb") as file:
            file.write(graph.as_graph_def().SerializeToString())

    def writing(x):
        with tf.control_dependencies([tf.io.write_file("written", "text")]):
            return tf.identity(x)

    def printing(x):
        with tf.control_dependencies([tf.print("text", output_stream="file://" + os.path.abspath("printed"))]):
            return tf.identity(x)

    saved("plain", tf.tanh)
    saved("writing", tf.function(writing))
    saved("printing", printing)
    saved("python", lambda x: tf.numpy_function(lambda x: x, [x], tf.float32))
    frozen("writing.pb", writing)
    frozen("half.pb", lambda x: tf.matmul(x, tf.ones((4, 4), tf.float16)), tf.float16)
    frozen("two.pb", lambda x: x * v1.placeholder(tf.float32, [], name="keep"))

    def kept(name, *layers):
        keras.Sequential([keras.Input((4,), name="x"), *layers, keras.layers.Dense(2, name="y")]).save(name)

    @keras.saving.register_keras_serializable("mine")
    class Own(keras.layers.Layer):
        def call(self, x):
            return x

    @keras.saving.register_keras_serializable("mine")
    def own(x):
        return x

    for end in (".keras", ".h5"):
        kept("plain" + end)
        kept("lambda" + end, keras.layers.Lambda(lambda x: x + 1))
        kept("class" + end, Own())
        kept("function" + end, keras.layers.Dense(4, activation=own))
    kept("half.keras", keras.layers.Dense(4, dtype="mixed_float16"), keras.layers.Dense(4, dtype="mixed_float16"))
    shutil.copy("plain.h5", "nameless")
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]).save_weights("only.weights.h5")
"""


class TestOddModels:
    @pytest.fixture(scope="class")
    @classmethod
    def said(cls, tmp_path_factory):
        """What the predictor says of each of these models."""
        folder = tmp_path_factory.mktemp("odd")
        environment = Environments(Cache().root).obtain(FrameworkUse("tensorflow"))
        run_inside(environment, ODD, folder)
        form = {".pb": "frozen_graph", ".keras": "keras", ".h5": "keras", "": "saved_model"}
        requests = {
            path.name: cls.request(folder, path.name, format=form[path.suffix]) for path in sorted(folder.iterdir())
        }
        requests["nameless"] = cls.request(folder, "nameless", format="keras")
        requests["no input"] = {**requests["two.pb"], "inputs": [{**X, "name": "image"}]}
        requests["no output"] = {**requests["two.pb"], "outputs": [{"name": "prob:0"}]}
        requests["no such tensor"] = {**requests["writing.pb"], "outputs": [{"name": "y:7"}]}
        requests["other type"] = {**requests["plain"], "inputs": [{**X, "dtype": "int64"}]}
        requests["inside"] = {**requests["two.pb"], "inputs": [X, {"name": "keep", "dtype": "float32", "shape": []}]}
        for name in ("half.pb", "half.keras"):
            requests[f"{name} as it is"] = {**requests[name], "precision": "fp16"}
        requests["half.pb as it is"]["inputs"] = [{**X, "dtype": "float16"}]
        said = load_inside(environment, folder, requests)
        said["files"] = sorted(path.name for path in folder.iterdir())
        return said

    @staticmethod
    def request(folder, name, **options):
        common = {"inputs": [X], "outputs": [{"name": "y"}], "threads": 1, "device": "cpu", "precision": "fp32"}
        return {"files": {"model": str(folder / name)}, "options": options, **common}

    def test_what_is_beside_the_served_function_is_let_be(self, said):
        assert said["plain"]["precision"] == "fp32"

    @pytest.mark.parametrize(
        ("name", "operator"),
        [("writing", "WriteFile"), ("writing.pb", "WriteFile"), ("printing", "PrintV2"), ("python", "PyFunc")],
    )
    def test_an_operator_that_reaches_outside_is_refused(self, said, name, operator):
        assert said[name].startswith(f"ValueError: the operator {operator} (")
        assert not {"written", "printed", "other"} & set(said["files"])

    @pytest.mark.parametrize("name", ["plain.keras", "plain.h5", "nameless"])
    def test_keras_files_are_told_apart_by_what_is_in_them(self, said, name):
        assert said[name]["parameters"] == 4 * 2 + 2

    @pytest.mark.parametrize("end", [".keras", ".h5"])
    @pytest.mark.parametrize(
        ("name", "what"),
        [
            ("lambda", "a Lambda layer"),
            ("class", "the model needs mine>Own"),
            ("function", "which is not part of Keras"),
        ],
    )
    def test_code_in_a_keras_file_is_refused(self, said, name, what, end):
        assert what in said[name + end]
        assert "code inside a model file is not run" in said[name + end]

    def test_weights_alone_are_no_model(self, said):
        assert "holds weights and no model" in said["only.weights.h5"]

    def test_precision_is_what_is_computed_in(self, said):
        assert said["half.pb as it is"]["precision"] == "fp16"
        # The variables of this one are fp32.
        assert said["half.keras as it is"]["precision"] == "fp16"
        assert "the precision fp32 cannot be given" in said["half.keras"]

    def test_a_name_that_is_not_there_is_answered_with_those_that_are(self, said):
        assert said["no input"] == 'ValueError: the graph has no input "image"; it has x, keep'
        assert said["no output"] == 'ValueError: the graph has no output "prob:0"; it has y'
        assert "y:7" in said["no such tensor"]

    def test_an_input_that_is_not_declared_is_named(self, said):
        assert "also takes keep" in said["two.pb"]
        assert said["inside"]["framework"] == "tensorflow"

    def test_nothing_is_converted_silently(self, said):
        assert 'takes "x" as float32; the manifest declares int64' in said["other type"]
