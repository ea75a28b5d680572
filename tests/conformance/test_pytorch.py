"""PyTorch keeps every rule, in each of its formats."""

from typing import ClassVar

from tiny import ITEMS, OUTPUTS, X, run_inside

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


class TestTorchScript(TorchTests):
    form = "torchscript"


class TestTorchExport(TorchTests):
    form = "exported"


class TestTorchWeights(TorchTests):
    form = "state_dict"
    outputs = OUTPUTS[:1]
    options: ClassVar = {
        "architecture": {"entry": "torch:nn.Linear", "args": [4], "kwargs": {"out_features": 4}},
        "key": "weights",
    }
