"""da4ml keeps every rule on a simulated device; what is wrong with a circuit shows in its bits or its cycles."""

import json
import re
from contextlib import nullcontext, suppress

import numpy as np
import pytest
from tiny import run_inside

from pytest_mlmodelscope.agent.archive import archive
from pytest_mlmodelscope.agent.environment import Environments
from pytest_mlmodelscope.agent.recipe import Recipes
from pytest_mlmodelscope.core.bundled import bundled_root
from pytest_mlmodelscope.core.errors import ModelError
from pytest_mlmodelscope.manifest.cache import Cache
from pytest_mlmodelscope.manifest.digest import measure
from pytest_mlmodelscope.manifest.fetch import Fetcher
from pytest_mlmodelscope.manifest.load import load_model
from pytest_mlmodelscope.testing.frameworks import FrameworkTests, TinyModel

X = {"name": "x", "dtype": "float32", "shape": ["batch", 4]}
OUTPUTS = [{"name": "y", "dtype": "float64", "shape": ["batch", 4]}, {"name": "z", "shape": ["batch", 2, 1]}]
WEIGHTS = np.array([[3, -1, 0, 2], [1, 4, -2, 0], [0, 1, 5, -3], [-2, 0, 1, 6]])
#: Eighths from -4 to 3.875, which six bits hold.
ITEMS = [{"x": np.array(row, dtype=np.float32) / 8} for row in ([1, -9, 30, 4], [-32, 31, 0, 7], [0, 0, 1, -1])]
MODEL = """
    import sys
    import numpy
    from da4ml.trace import FixedVariableArrayInput, comb_trace
    from da4ml.trace.ops import quantize, relu

    weights = numpy.array(eval(sys.argv[2]), dtype=float)
    given = FixedVariableArrayInput((4,))
    y = quantize(given, 1, 2, 3) @ weights + numpy.arange(4.0)
    comb_trace(given, numpy.concatenate([y, relu(y[:2] - 1.5)])).save(sys.argv[1] + "/tiny.json")
"""
SOURCES = """
    import sys
    sys.path.insert(0, sys.argv[1])
    from pytest_mlmodelscope.frameworks.da4ml.circuit import generated
    circuit = generated({"model": sys.argv[2]}, 1, sys.argv[3])
    print("\\n".join(open(path).read() for path in circuit.sources if "lookup" not in path))
"""
HEAD = "module model (input clk, input [23:0] model_inp, output reg [%d:0] model_out);\n"
#: Verilog in the place of the generated -> what is said of it.
REFUSED = {
    "no verilog": ("this is none", "iverilog does not take the circuit: .*syntax error"),
    "no such ports": ("module model (input clk); endmodule", "iverilog does not take the circuit: .*model_inp"),
    "never known": (HEAD + "endmodule", "not known within 65536 cycles"),
    "an end of its own": (HEAD + "initial $finish; endmodule", "the simulation ended after 0 of 64 cycles"),
}
#: A way to a file -> what the file holds, and Verilog that reads it.
SPIES = {
    "readmemh": ("5ec2e7\n", '$readmemh("SECRET", taken);'),
    "fopen": ("5ec2e7\n", 'got = $fopen("SECRET", "r"); if (got) got = $fscanf(got, "%h", taken[0]);'),
    "include": ("taken[0] = 24'h5ec2e7;\n", '\n`include "SECRET"\n'),
}
SPYING = """
    reg [23:0] taken [0:0];
    integer got;
    initial begin
        %s
        if (taken[0] === 24'h5ec2e7) begin
            $display("has 5ec2e7");
            $finish_and_return(1);
        end
    end
    reg ["""


class TestDa4ml(FrameworkTests):
    framework = "da4ml"
    tolerance = 0.0

    def build(self, folder, environment):
        run_inside(environment, MODEL, folder, WEIGHTS.tolist())
        return tiny(folder)

    @pytest.fixture(scope="class")
    @classmethod
    def verilog(cls, tmp_path_factory, environment, tiny):
        """What da4ml makes of the tiny model, as one text."""
        folder = tmp_path_factory.mktemp("verilog")
        (folder / "worker.zip").write_bytes(archive(cls.framework))
        return run_inside(environment, SOURCES, folder / "worker.zip", tiny.files["model"], folder)

    def given(self, tiny, folder, text):
        """The same model with Verilog that came along."""
        (folder / "given.v").write_text(text)
        return tiny.request(files={**tiny.request()["files"], "rtl": str(folder / "given.v")})

    def test_threads_are_as_asked(self, environment, tiny):
        """A simulation has one, and no other number is given silently."""
        with self.agent(environment) as agent:
            assert agent.open(tiny.request(threads=1))["threads"] == 1
            with pytest.raises(ModelError, match="the number of threads 2 cannot be given"):
                agent.open(tiny.request(threads=2))

    def test_an_absent_device_is_refused(self, environment, tiny):
        """Never a processor, nor another device than the target's, silently."""
        with self.agent(environment) as agent:
            with pytest.raises(ModelError, match="cpu cannot be given here; possible: fpga"):
                agent.open(tiny.request(device="cpu"))
            with pytest.raises(ModelError, match="XC7Z020 is no device that can be placed for"):
                agent.open(tiny.request(machine="XC7Z020"))

    def test_it_computes_what_the_weights_say_to_the_last_bit(self, model, tiny):
        assert_exact(model, tiny)

    def test_cycles_are_observed(self, model):
        assert model.count(["latency_cycles", "initiation_interval"], {}) == {
            "latency_cycles": 3.0,
            "initiation_interval": 1.0,
        }

    def test_what_a_format_cannot_hold_is_refused(self, model, tiny):
        for value, why in ((4.0, "4 at place 2 does not fit"), (0.1, "0.1 at place 2"), (np.nan, "nan at place 2")):
            item = {"x": np.array([0, 0, value, 0], dtype=np.float32)}
            with pytest.raises(ModelError, match=why):
                model.predict(tiny.query([item]))

    def test_outputs_that_are_not_the_models_are_refused(self, environment, tiny):
        with self.agent(environment) as agent, pytest.raises(ModelError, match="outputs of 4 numbers; the model has 6"):
            agent.open(tiny.request(outputs=OUTPUTS[:1]))

    def test_verilog_that_came_along_is_what_runs(self, environment, tiny, verilog, tmp_path):
        with self.agent(environment) as agent:
            agent.open(self.given(tiny, tmp_path, verilog))
            assert_exact(agent, tiny)
            assert agent.count(["latency_cycles"], {})["latency_cycles"] == 3

    def test_a_removed_register_shows_in_the_cycles_alone(self, environment, tiny, verilog, tmp_path):
        less = re.sub(r"stage1_inp <= (stage0_out);", "", verilog).replace("reg [", "reg [")
        name = re.search(r"reg (\[\d+:0\]) stage1_inp;", less)
        less = less.replace(name[0], f"wire {name[1]} stage1_inp;\n    assign stage1_inp = stage0_out;")
        with self.agent(environment) as agent:
            agent.open(self.given(tiny, tmp_path, less))
            assert_exact(agent, tiny)
            assert agent.count(["latency_cycles", "initiation_interval"], {}) == {
                "latency_cycles": 2.0,
                "initiation_interval": 1.0,
            }

    def test_a_flipped_bit_shows_in_the_numbers(self, environment, tiny, tmp_path):
        logic = json.loads(tiny.files["model"].read_text())
        adder = next(op for op in logic[5] if op[2] in (0, 1))
        adder[2] ^= 1
        (tmp_path / "flipped.json").write_text(json.dumps(logic))
        with self.agent(environment) as agent:
            agent.open(tiny.request(files={"model": str(tmp_path / "flipped.json")}))
            outputs, _ = agent.predict(tiny.query(tiny.items))
            assert not np.array_equal(outputs["y"], expected(tiny))

    @pytest.mark.parametrize("name", REFUSED)
    def test_what_is_wrong_with_a_circuit_is_said(self, environment, tiny, verilog, tmp_path, name):
        text, says = REFUSED[name]
        bits = int(re.search(r"output reg \[(\d+):0\] model_out", verilog)[1])
        with self.agent(environment) as agent, pytest.raises(ModelError, match=says):
            agent.open(self.given(tiny, tmp_path, text.replace("%d", str(bits))))

    def test_a_circuit_that_takes_an_item_every_second_cycle_is_found_out(self, environment, tiny, verilog, tmp_path):
        """It looks at its inputs in every second cycle only, from the first on."""
        slow = verilog.replace("stage0_inp <= model_inp;", "busy <= ~busy; if (!busy) stage0_inp <= model_inp;")
        slow = slow.replace("    reg [", "    reg busy = 0;\n    reg [", 1)
        with self.agent(environment) as agent:
            agent.open(self.given(tiny, tmp_path, slow))
            assert agent.count(["initiation_interval"], {})["initiation_interval"] == 2

    def spying(self, tiny, folder, verilog, way):
        """A request for a circuit that reads a file of the user, which is beside it."""
        content, spy = SPIES[way]
        (folder / "secret").write_text(content)
        text = SPYING.replace("%s", spy.replace("SECRET", str(folder / "secret")))
        return self.given(tiny, folder, verilog.replace("    reg [", text, 1))

    @pytest.mark.parametrize("way", SPIES)
    def test_a_circuit_reads_no_file_of_the_user(self, environment, tiny, verilog, tmp_path, way):
        """Its tasks find what is in the worker's view, and the user's files are not; what it read it would tell."""
        request = self.spying(tiny, tmp_path, verilog, way)
        with self.agent(environment) as agent, suppress(ModelError) if way == "include" else nullcontext():
            agent.open(request)
            assert_exact(agent, tiny)

    @pytest.mark.parametrize("way", SPIES)
    def test_the_same_circuits_read_what_is_in_the_workers_view(self, environment, tiny, verilog, tmp_path, way):
        request = self.spying(tiny, tmp_path, verilog, way)
        request["files"]["beside"] = str(tmp_path / "secret")
        with self.agent(environment) as agent, pytest.raises(ModelError, match="has 5ec2e7"):
            agent.open(request)

    def test_a_placed_circuit_has_the_figures_of_the_routers_report(self, environment, tiny):
        names = ["luts", "flip_flops", "dsps", "brams", "clock_hz"]
        with self.agent(environment) as agent:
            about = agent.open(tiny.request())
            found = agent.count(names, {})
            again = agent.count(["luts"], {})
        assert again == {name: value for name, value in found.items() if not name.startswith("seconds")}
        assert about["evidence"]["luts"] == "placed and routed"
        assert about["evidence"]["latency_cycles"] == "simulated"
        assert found["dsps"] == found["brams"] == 0
        assert 20 < found["luts"] < 1000
        # Each register of the circuit and of its pins, less what the synthesis finds to be the same.
        assert about["registers_of_pins"] < found["flip_flops"] < 500
        assert 1e7 < found["clock_hz"] < 1e9
        assert found["seconds_of_synthesis"] > 0
        assert found["seconds_of_routing"] > 0

    def test_figures_of_the_very_same_circuit_are_not_placed_again(self, environment, tiny, tmp_path):
        with self.agent(environment) as agent:
            agent.open(tiny.request())
            agent.count(["luts"], {})
            ((name, data),) = agent.built().items()
            assert agent.built() == {}
        (tmp_path / name).write_bytes(data.replace(b'"luts": ', b'"luts": 7'))
        kept = {name: str(tmp_path / name)}
        with self.agent(environment) as agent:
            agent.open(tiny.request(kept=kept))
            found = agent.count(["luts"], {})
            assert found["luts"] >= 700
            assert not [figure for figure in found if figure.startswith("seconds")]
            assert agent.built() == {}
            agent.open(tiny.request(kept=kept, options={"latency_cutoff": 1, "seed": 2}))
            assert agent.count(["luts"], {})["luts"] < 700

    def test_a_figure_that_is_none_is_refused(self, model):
        with pytest.raises(ModelError, match="the figure joules cannot be given here; possible: brams, clock_hz"):
            model.count(["joules"], {})


@pytest.mark.parametrize("name", ["digits-mlp", "digits-mlp-small"])
def test_the_recipes_of_a_shipped_circuit_make_its_files_again_to_the_last_byte(name):
    model, cache = load_model(bundled_root() / "manifests" / "models" / f"{name}.yml"), Cache()
    fetcher = Fetcher(cache, make=Recipes(Environments(cache.root)))
    made = [asset for asset in model.assets.values() if asset.recipe]
    assert len(made) >= 4
    for asset in made:
        with fetcher.remade(asset) as place:
            assert measure(place) == (asset.sha256, asset.size), asset.name


def tiny(folder):
    files = {"model": folder / "tiny.json"}
    return TinyModel(
        files=files, inputs=[X], outputs=OUTPUTS, items=ITEMS, device="fpga", options={"latency_cutoff": 1}
    )


def expected(tiny):
    return np.stack([item["x"] for item in tiny.items]).astype(float) @ WEIGHTS + np.arange(4)


def assert_exact(agent, tiny):
    outputs, _ = agent.predict(tiny.query(tiny.items))
    y = expected(tiny)
    np.testing.assert_array_equal(outputs["y"], y)
    np.testing.assert_array_equal(outputs["z"], np.maximum(y[:, :2] - 1.5, 0)[..., None])
