"""JAX keeps every rule."""

import pytest
from tiny import ITEMS, OUTPUTS, X, load_inside, run_inside

from pytest_mlmodelscope.agent.environment import Environments
from pytest_mlmodelscope.core.manifest import FrameworkUse
from pytest_mlmodelscope.manifest.cache import Cache
from pytest_mlmodelscope.testing.frameworks import FrameworkTests, TinyModel

WRITE = """
    import sys, numpy as np, jax, jax.numpy as jnp
    from jax import export

    def write(path, function, *arguments, shape="batch, 4", **options):
        shape = export.symbolic_shape(shape)
        arguments = [jax.ShapeDtypeStruct(shape, dtype) for dtype in arguments]
        with open(path, "wb") as file:
            file.write(export.export(jax.jit(function), **options)(*arguments).serialize())

    w = np.arange(16, dtype=np.float32).reshape(4, 4) / 8
"""


class TestJax(FrameworkTests):
    framework = "jax"

    def build(self, folder, environment):
        script = """
    def tiny(x):
        y = x @ w
        return {"z": jnp.tanh(y), "y": y}
    write(sys.argv[1], tiny, np.float32)
        """
        run_inside(environment, WRITE + script, folder / "tiny.jax")
        return TinyModel(files={"model": folder / "tiny.jax"}, inputs=[X], outputs=OUTPUTS, items=ITEMS)


class TestPositions(FrameworkTests):
    """A function whose two inputs and outputs have no names."""

    framework = "jax"

    def build(self, folder, environment):
        script = """
    write(sys.argv[1], lambda x, other: (x @ w - other, jnp.tanh(other)), np.float32, np.float32)
        """
        run_inside(environment, WRITE + script, folder / "tiny.jax")
        items = [{**item, "other": item["x"] + 1} for item in ITEMS]
        inputs = [X, {**X, "name": "other"}]
        return TinyModel(files={"model": folder / "tiny.jax"}, inputs=inputs, outputs=OUTPUTS, items=items)


class TestOddFunctions:
    @pytest.fixture(scope="class")
    @classmethod
    def said(cls, tmp_path_factory):
        """What the predictor says of each of these functions."""
        folder = tmp_path_factory.mktemp("odd")
        environment = Environments(Cache().root).obtain(FrameworkUse("jax"))
        script = """
    import os
    os.chdir(sys.argv[1])
    write("plain", lambda x: {"y": x @ w}, np.float32)
    write("half", lambda x: {"y": x @ w.astype(jnp.bfloat16)}, jnp.bfloat16)
    write("gpu", lambda x: x, np.float32, platforms=["cuda"])
    def calling(x):
        # What a callback becomes; JAX itself refuses to write one.
        call = jax.ffi.ffi_call("xla_ffi_python_cpu_callback", jax.ShapeDtypeStruct(x.shape, x.dtype))
        return {"y": call(x, index=np.uint64(0))}
    let = [export.DisabledSafetyCheck.custom_call("xla_ffi_python_cpu_callback")]
    write("calling", calling, np.float32, shape="1, 4", disabled_checks=let)
        """
        common = {"inputs": [X], "outputs": [{"name": "y"}], "threads": 1, "device": "cpu", "precision": "fp32"}
        run_inside(environment, WRITE + script, folder)
        requests = {
            name: {**common, "files": {"model": str(folder / name)}, "options": {}}
            for name in ("plain", "half", "gpu", "calling")
        }
        requests["half"]["inputs"] = [{**X, "dtype": "bfloat16"}]
        requests["input"] = {**requests["plain"], "inputs": [X, {**X, "name": "other"}]}
        requests["output"] = {**requests["plain"], "outputs": [{"name": "z"}]}
        requests["type"] = {**requests["plain"], "inputs": [{**X, "dtype": "float64"}]}
        requests["threads"] = {**requests["plain"], "threads": 4096}
        return load_inside(environment, folder, requests)

    def test_weights_are_counted(self, said):
        assert said["plain"]["parameters"] == 16

    def test_precision_is_what_is_computed_in(self, said):
        assert "fp32 cannot be given here; possible: bf16" in said["half"]

    def test_a_function_for_another_platform_is_refused(self, said):
        assert "exported for cuda, not for the cpu" in said["gpu"]

    def test_a_function_that_calls_python_is_refused(self, said):
        assert said["calling"].startswith("ValueError: the function calls Python")

    def test_names_that_are_not_there_are_answered_with_those_that_are(self, said):
        assert "the manifest declares x, other" in said["input"]
        assert 'returns no "z"; it returns y' in said["output"]

    def test_nothing_is_converted_silently(self, said):
        assert 'takes "x" as float32; the manifest declares float64' in said["type"]

    def test_more_threads_than_processors_are_refused(self, said):
        assert "a thread for each processor" in said["threads"]
