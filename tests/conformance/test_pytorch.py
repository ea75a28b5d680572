"""PyTorch keeps every rule, in each of its formats and in an old version."""

import json
import struct
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
from tiny import ITEMS, OUTPUTS, X, no_gpu, run_inside

from pytest_mlmodelscope.agent.archive import archive
from pytest_mlmodelscope.agent.environment import Environments
from pytest_mlmodelscope.core.errors import EnvironmentUnavailable, ModelError
from pytest_mlmodelscope.core.framework import Place
from pytest_mlmodelscope.core.manifest import FrameworkUse
from pytest_mlmodelscope.manifest.cache import Cache
from pytest_mlmodelscope.testing.frameworks import FrameworkTests, TinyModel

TORCH = """
    import sys, types, torch
    class Tiny(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = torch.nn.Linear(4, 4)
        def forward(self, x):
            y = self.linear(x)
            return y, torch.tanh(y)
    torch.manual_seed(1)
    tiny, example = Tiny().eval(), torch.zeros(2, 4)
    form, path = sys.argv[1:]
    if form == "torchscript":
        torch.jit.trace(tiny, example).save(path)
    elif form == "exported":
        batch = torch.export.Dim("batch", min=1, max=64)
        torch.export.save(torch.export.export(tiny, (example,), dynamic_shapes=({0: batch},)), path)
    else:
        torch.save({"weights": tiny.linear.state_dict()}, path)
"""


class TorchTests(FrameworkTests):
    framework = "pytorch"
    form = ""
    outputs = OUTPUTS
    options: ClassVar = {}

    def build(self, folder, environment):
        run_inside(environment, TORCH, self.form, folder / "tiny.pt")
        return TinyModel(
            files={"model": folder / "tiny.pt"},
            options={"format": self.form, **self.options},
            inputs=[X],
            outputs=self.outputs,
            items=ITEMS,
        )


DEFINED = """
    import sys, torch
    module = torch.jit.ScriptModule()
    module.define("def forward(self, x):\\n" + sys.argv[1] + "\\n")
    module.save(sys.argv[2])
"""
WRITES = "    return x.mul_(2)"
SOMETIMES_WRITES = "    if bool(x.sum() > 100):\n        x.mul_(2)\n    return x + 0"
READS_A_FILE = "    return x + torch.from_file('/etc/hostname', False, 4)"
SAVES_A_FILE = "    torch.save(x, '/tmp/stolen')\n    return x"


class RoundedTests(TorchTests):
    """Where weights can be rounded to half precision when they are loaded."""

    @pytest.mark.parametrize(("precision", "within"), [("fp16", 2e-3), ("bf16", 2e-2)])
    def test_half_precision_is_given_where_it_is_asked_for(self, environment, tiny, model, precision, within):
        query = tiny.query(ITEMS)
        with self.agent(environment) as agent:
            assert agent.open(tiny.request(precision=precision))["precision"] == precision
            kept = agent.probe(query)
            rounded, _ = agent.predict(query)
        exact, _ = model.predict(query)
        assert kept == {"inputs_kept": True, "outputs_kept": True, "complete": True}
        for name in exact:
            assert rounded[name].dtype == np.float32
            np.testing.assert_allclose(rounded[name], exact[name], atol=within)
            assert (rounded[name] != exact[name]).any()


class TestTorchScript(RoundedTests):
    form = "torchscript"

    def test_a_processor_has_no_tf32(self, environment, tiny):
        with self.agent(environment) as agent, pytest.raises(ModelError, match="tf32 cannot be given here"):
            agent.open(tiny.request(precision="tf32"))

    @pytest.mark.skipif(not no_gpu(), reason="there is a GPU: all of the suite runs")
    def test_without_a_gpu_that_is_the_answer_in_one_line(self, environment, tiny):
        with self.agent(environment) as agent, pytest.raises(ModelError, match=r"sees no GPU here; nvidia-smi"):
            agent.open(tiny.request(device="gpu"))

    def test_a_model_without_weights_has_nothing_to_round(self, environment, tiny, tmp_path):
        run_inside(environment, DEFINED, "    return x + 1", tmp_path / "none.pt")
        request = tiny.request(files={"model": str(tmp_path / "none.pt")}, outputs=OUTPUTS[:1], precision="fp16")
        with self.agent(environment) as agent, pytest.raises(ModelError, match="fp16 cannot be given here"):
            agent.open(request)

    def opened_with(self, agent, tiny, environment, folder, body):
        run_inside(environment, DEFINED, body, folder / "other.pt")
        agent.open(tiny.request(files={"model": str(folder / "other.pt")}, outputs=OUTPUTS[:1]))

    def test_a_module_that_writes_into_its_inputs_gets_copies(self, environment, tiny, tmp_path):
        query = tiny.query(ITEMS)
        with self.agent(environment) as agent:
            self.opened_with(agent, tiny, environment, tmp_path, WRITES)
            for _ in range(3):
                assert agent.probe(query) == {"inputs_kept": True, "outputs_kept": True, "complete": True}
                outputs, _ = agent.predict(query)
                np.testing.assert_array_equal(outputs["y"], 2 * query["x"])

    def test_one_that_does_so_later_loses_one_query_and_no_more(self, environment, tiny, tmp_path):
        large = {"x": np.full((2, 4), 99, np.float32)}
        with self.agent(environment) as agent:
            self.opened_with(agent, tiny, environment, tmp_path, SOMETIMES_WRITES)
            agent.predict(tiny.query(ITEMS))
            with pytest.raises(ModelError, match="writes into its inputs, but only into some"):
                agent.predict(large)
            assert agent.probe(large)["inputs_kept"]
            assert agent.predict(large)[0]["y"].max() == 198

    @pytest.mark.parametrize(("body", "operator"), [(READS_A_FILE, "from_file"), (SAVES_A_FILE, "save")])
    def test_a_module_that_uses_files_is_refused(self, environment, tiny, tmp_path, body, operator):
        with self.agent(environment) as agent, pytest.raises(ModelError, match=f"uses files: it calls {operator} "):
            self.opened_with(agent, tiny, environment, tmp_path, body)


HOSTILE = """
    import io, sys, zipfile, torch
    class Opens:
        def __reduce__(self):
            return open, (sys.argv[3], "w")
    with zipfile.ZipFile(sys.argv[1]) as old, zipfile.ZipFile(sys.argv[2], "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name.endswith("sample_inputs/model.pt"):
                buffer = io.BytesIO()
                torch.save(Opens(), buffer)
                content = buffer.getvalue()
            new.writestr(name, content)
            if len(sys.argv) > 4 and name.endswith("model.json"):
                new.writestr(name.split("/")[0] + "/" + sys.argv[4], "")
"""


class TestTorchExport(TorchTests):
    form = "exported"

    def test_its_types_are_part_of_the_program(self, environment, tiny):
        with self.agent(environment) as agent, pytest.raises(ModelError, match="fp16 cannot be given here"):
            agent.open(tiny.request(precision="fp16"))

    def test_a_pickle_inside_runs_no_code(self, environment, tiny, tmp_path):
        opened = tmp_path / "opened"
        run_inside(environment, HOSTILE, tiny.files["model"], tmp_path / "hostile.pt2", opened)
        with self.agent(environment) as agent, pytest.raises(ModelError, match="weights_only"):
            agent.open(tiny.request(files={"model": str(tmp_path / "hostile.pt2")}))
        assert not opened.exists()

    def test_compiled_code_is_refused(self, environment, tiny, tmp_path):
        compiled = "data/aotinductor/model/code.so"
        run_inside(environment, HOSTILE, tiny.files["model"], tmp_path / "hostile.pt2", tmp_path / "opened", compiled)
        with self.agent(environment) as agent, pytest.raises(ModelError, match="brings compiled code"):
            agent.open(tiny.request(files={"model": str(tmp_path / "hostile.pt2")}))


class TestTorchWeights(RoundedTests):
    form = "state_dict"
    outputs = OUTPUTS[:1]
    options: ClassVar = {
        "architecture": {"entry": "torch:nn.Linear", "args": [4], "kwargs": {"out_features": 4}},
        "key": "weights",
    }


LINEAR: dict = {"architecture": {"entry": "torch:nn.Linear", "args": [4, 4]}}
WEIGHTS = np.arange(16, dtype=np.float32).reshape(4, 4) / 8


def safetensors(path):
    """Weights of a linear layer in that format, written as its specification says."""
    tensors = {"weight": WEIGHTS, "bias": np.zeros(4, np.float32)}
    header, end = {"__metadata__": {"format": "pt"}}, 0
    for name, values in tensors.items():
        header[name] = {"dtype": "F32", "shape": values.shape, "data_offsets": [end, end + values.nbytes]}
        end += values.nbytes
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(values.tobytes() for values in tensors.values()))
    return path


class TestTorchSafetensors(TorchTests):
    form = "state_dict"
    outputs = OUTPUTS[:1]

    def build(self, folder, environment):
        files = {"model": safetensors(folder / "tiny.safetensors")}
        options = {"format": self.form, **LINEAR}
        return TinyModel(files=files, options=options, inputs=[X], outputs=self.outputs, items=ITEMS)

    def test_the_values_are_those_of_the_file(self, model, tiny):
        query = tiny.query(ITEMS)
        np.testing.assert_allclose(model.predict(query)[0]["y"], query["x"] @ WEIGHTS.T, atol=1e-5)


class TestTorch101(TorchTests):
    """The oldest version, with TorchScript that it wrote itself."""

    form = "torchscript"

    @pytest.fixture(scope="class")
    @classmethod
    def environment(cls):
        try:
            return Environments(Cache().root).obtain(FrameworkUse("pytorch"), "==1.0.1")
        except EnvironmentUnavailable as error:
            pytest.skip(str(error))

    def test_it_is_that_version(self, environment, opened):
        assert environment.version == opened[1]["version"] == "1.0.1"

    def test_weights_that_only_unpickling_reads_are_refused_with_what_to_do(self, environment, tiny, tmp_path):
        run_inside(environment, TORCH, "state_dict", tmp_path / "weights.pt")
        request = tiny.request(
            files={"model": str(tmp_path / "weights.pt")}, options={"format": "state_dict", **LINEAR}
        )
        with self.agent(environment) as agent, pytest.raises(ModelError, match=r"or take pytorch>=2\.6"):
            agent.open(request)

    def test_safetensors_are_read_as_by_the_newest(self, environment, tiny, tmp_path):
        files = {"model": str(safetensors(tmp_path / "weights"))}
        query = tiny.query(ITEMS)
        with self.agent(environment) as agent:
            agent.open(tiny.request(files=files, options={"format": "state_dict", **LINEAR}, outputs=OUTPUTS[:1]))
            np.testing.assert_allclose(agent.predict(query)[0]["y"], query["x"] @ WEIGHTS.T, atol=1e-5)

    def test_what_it_has_not_is_said(self, environment, tiny):
        with self.agent(environment) as agent, pytest.raises(ModelError, match="has no exported programs"):
            agent.open(tiny.request(options={"format": "exported"}))

    def test_the_newest_does_not_read_its_files_and_says_what_to_do(self, tiny):
        newest = Environments(Cache().root).obtain(FrameworkUse("pytorch"))
        with self.agent(newest) as agent, pytest.raises(ModelError, match="another version may: see `version`"):
            agent.open(tiny.request())


def test_the_oldest_version_can_be_had_here():
    # Where it cannot, its suite is skipped; this is where such a skip is counted.
    assert Environments(Cache().root).obtain(FrameworkUse("pytorch"), "==1.0.1").version == "1.0.1"


class OnGpu:
    """The same rules with a GPU, in the environment that is for one."""

    tolerance = 1e-4

    @pytest.fixture(scope="class")
    @classmethod
    def environment(cls):
        return Environments(Cache().root).obtain(FrameworkUse("pytorch"), place=Place("gpu"))

    def build(self, folder, environment):
        return replace(super().build(folder, environment), device="gpu")


@pytest.mark.skipif(bool(no_gpu()), reason=no_gpu())
class TestTorchScriptOnGpu(OnGpu, RoundedTests):
    form = "torchscript"


@pytest.mark.skipif(bool(no_gpu()), reason=no_gpu())
class TestTorchExportOnGpu(OnGpu, TorchTests):
    form = "exported"


@pytest.mark.skipif(bool(no_gpu()), reason=no_gpu())
class TestTorchWeightsOnGpu(OnGpu, RoundedTests):
    form = "state_dict"
    outputs = OUTPUTS[:1]
    options: ClassVar = TestTorchWeights.options


#: A GPU that is not there: the processor does its work, and how often it was waited for is counted.
STAND_IN = """
    import json, os, sys
    from types import SimpleNamespace
    sys.path.insert(0, sys.argv[1])
    import numpy, torch
    from pytest_mlmodelscope.frameworks.pytorch import device
    from pytest_mlmodelscope.frameworks.pytorch.predictor import load

    waited = []
    device._PLACES["gpu"] = "cpu"
    torch.cuda.is_available = lambda: True
    torch.cuda.synchronize = lambda: waited.append(1)
    torch.cuda.memory_allocated = lambda: 80
    facts = SimpleNamespace(name="Fake", major=9, minor=0, total_memory=2**36)
    torch.cuda.get_device_properties = lambda number: facts
    torch.backends.cudnn.allow_tf32 = True  # as it is where there is one
    model = load(json.loads(sys.argv[2]))
    values = numpy.ones((2, 4), "float32")
    outputs = model.predict({"x": values})
    assert len(waited) == 1 and (values == 1).all()
    print(json.dumps({
        "about": model.describe(),
        "types": sorted({value.dtype.name for value in outputs.values()}),
        "tf32": [torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32],
        "override": os.environ.get("NVIDIA_TF32_OVERRIDE"),
    }))
"""


@pytest.fixture(scope="module")
def newest(tmp_path_factory):
    """The environment of the newest version, the worker's code, and a model for it."""
    folder = tmp_path_factory.mktemp("newest")
    environment = Environments(Cache().root).obtain(FrameworkUse("pytorch"))
    (folder / "worker.zip").write_bytes(archive("pytorch"))
    return environment, folder / "worker.zip", TestTorchScript().build(folder, environment)


@pytest.mark.parametrize(
    ("precision", "tf32", "override"),
    [("fp32", False, "0"), ("tf32", True, None), ("fp16", False, "0"), ("bf16", False, "0")],
)
def test_a_gpu_is_waited_for_and_rounds_only_what_is_asked_for(newest, precision, tf32, override):
    environment, worker, tiny = newest
    request = tiny.request(device="gpu", precision=precision)
    found = json.loads(run_inside(environment, STAND_IN, worker, json.dumps(request)))
    about = found["about"]
    assert (about["device"], about["precision"], about["gpu"]["name"]) == ("gpu", precision, "Fake")
    assert (about["gpu"]["compute_capability"], about["gpu"]["model_bytes"]) == ("9.0", 80)
    assert (found["types"], found["tf32"], found["override"]) == (["float32"], [tf32, tf32], override)


MOVED = """
    import sys
    sys.path.insert(0, sys.argv[1])
    from pytest_mlmodelscope.frameworks.pytorch.predictor import _exported
    places = {tensor.device.type for tensor in _exported(sys.argv[2], {}, "meta").parameters()}
    assert places == {"meta"}, places
"""


def test_an_exported_program_is_moved_to_another_device(newest, tmp_path):
    environment, worker, _ = newest
    run_inside(environment, TORCH, "exported", tmp_path / "tiny.pt2")
    run_inside(environment, MOVED, worker, tmp_path / "tiny.pt2")
