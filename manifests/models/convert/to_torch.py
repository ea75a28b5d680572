"""The network as TorchScript (.pt), of whatever version of PyTorch runs this, or as an exported program (.pt2)."""

import io
import os
import zipfile
from typing import Any, Dict

import torch
from network import Network, network


class Layers(torch.nn.Module):
    """Computes the layers one after the other."""

    def __init__(self, net: Network) -> None:
        super().__init__()
        self.net = net
        for layer in net.layers:
            if layer["op"] in ("conv", "dense"):
                self.add_module(layer["name"].replace("/", "_"), self._weighted(layer))

    def _weighted(self, layer: "Dict[str, Any]") -> "Any":
        weight = self.net.weight(layer)
        if layer["op"] == "dense":
            made = torch.nn.Linear(weight.shape[1], weight.shape[0])  # type: Any
        else:
            made = torch.nn.Conv2d(weight.shape[1], len(weight), layer["kernel"], layer["stride"], layer["pad"])
        made.weight.data = torch.from_numpy(weight)
        made.bias.data = torch.from_numpy(self.net.bias(layer))
        return made

    def forward(self, value: "Any") -> "Any":
        """The first output."""
        (name,) = self.net.inputs
        makers = {
            "conv": lambda layer, value: self._modules[layer["name"].replace("/", "_")](value),
            "dense": lambda layer, value: self._modules[layer["name"].replace("/", "_")](value.flatten(1)),
            "max_pool": lambda layer, value: torch.nn.functional.max_pool2d(value, layer["kernel"], layer["stride"]),
            "mean": lambda layer, value: value.mean(3).mean(2),
            "relu": lambda layer, value: torch.relu(value),
            "concat": lambda layer, *values: torch.cat(values, 1),
        }
        return self.net.walk(makers, {name: value})[self.net.outputs[0]]


def main() -> None:
    """Write the file that is asked for."""
    makes, net = network()
    model = Layers(net).eval()
    ((_, shape),) = net.inputs.items()
    # Of two items: some operators treat one alone differently.
    example = torch.zeros((2,) + shape)
    with torch.no_grad():
        data = (_exported if makes.endswith(".pt2") else _traced)(model, example)
    with open(makes, "wb") as file:
        file.write(data)


def _traced(model: "Any", example: "Any") -> bytes:
    # Its archive is named by the file, which also must be a path for the oldest version.
    torch.jit.trace(model, example).save("network.pt")
    with open("network.pt", "rb") as file:
        data = file.read()
    os.remove("network.pt")
    return _plain(data)


def _plain(data: bytes) -> bytes:
    """The same archive without what differs between two runs: places in source files, stamps and padding."""
    plain = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(plain, "w") as new:
        for entry in old.infolist():
            if not entry.filename.endswith(".debug_pkl") and "serialization_id" not in entry.filename:
                new.writestr(zipfile.ZipInfo(entry.filename, (1980, 1, 1, 0, 0, 0)), old.read(entry))
    return plain.getvalue()


def _exported(model: "Any", example: "Any") -> bytes:
    axes = {0: torch.export.Dim("batch", min=1, max=4096)}
    program = torch.export.export(model, (example,), dynamic_shapes=[axes])
    for node in program.graph.nodes:
        for key in ("stack_trace", "nn_module_stack", "source_fn_stack", "torch_fn", "from_node"):
            node.meta.pop(key, None)
    program._example_inputs = None
    data = io.BytesIO()
    torch.export.save(program, data)
    return data.getvalue()


main()
