"""TensorFlow keeps every rule, in each of its formats."""

from tiny import ITEMS, OUTPUTS, X, run_inside

from pytest_mlmodelscope.testing.frameworks import FrameworkTests, TinyModel


class TestTensorFlow(FrameworkTests):
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
