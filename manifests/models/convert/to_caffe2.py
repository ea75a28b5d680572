"""The network as Caffe2's two files: what fills the weights (init_net.pb), and what computes (predict_net.pb)."""

from typing import Any, Dict

from caffe2.proto import caffe2_pb2
from caffe2.python import core
from network import Network, network


class Writer:
    """Both nets."""

    def __init__(self, net: Network) -> None:
        self.net = net
        self.init = caffe2_pb2.NetDef(name="network_init")
        self.predict = caffe2_pb2.NetDef(name="network")
        self.predict.external_input.extend(net.inputs)
        self.predict.external_output.extend(net.outputs)

    def add(self, kind: str, layer: "Dict[str, Any]", *inputs: str, **arguments: "Any") -> str:
        """One more operator, with its weights where it has some."""
        weights = [layer["name"] + part for part in (".weight", ".bias") if layer["name"] + part in self.net.arrays]
        for name in weights:
            values = self.net.arrays[name]
            fill = core.CreateOperator("GivenTensorFill", [], [name], shape=list(values.shape), values=values.ravel())
            self.init.op.extend([fill])
            self.predict.external_input.append(name)
        outputs = [layer["name"]] + ([layer["name"] + ".sizes"] if kind == "Concat" else [])
        self.predict.op.extend([core.CreateOperator(kind, list(inputs) + weights, outputs, **arguments)])
        return str(layer["name"])

    def conv(self, layer: "Dict[str, Any]", value: str) -> str:
        """A convolution."""
        return self.add("Conv", layer, value, pad=layer["pad"], **_window(layer))

    def max_pool(self, layer: "Dict[str, Any]", value: str) -> str:
        """The largest of each window."""
        return self.add("MaxPool", layer, value, **_window(layer))

    def mean(self, layer: "Dict[str, Any]", value: str) -> str:
        """The mean over height and width."""
        pooled = self.add("AveragePool", {"name": layer["name"] + ".pooled"}, value, global_pooling=1, order="NCHW")
        return self.add("Flatten", layer, pooled, axis=1)

    def dense(self, layer: "Dict[str, Any]", value: str) -> str:
        """A layer that sees all."""
        return self.add("FC", layer, value)

    def relu(self, layer: "Dict[str, Any]", value: str) -> str:
        """What is above zero."""
        return self.add("Relu", layer, value)

    def concat(self, layer: "Dict[str, Any]", *values: str) -> str:
        """One behind the other."""
        return self.add("Concat", layer, *values, order="NCHW")


def _window(layer: "Dict[str, Any]") -> "Dict[str, Any]":
    return {"kernel": layer["kernel"], "stride": layer["stride"], "order": "NCHW"}


def main() -> None:
    """Write the file that is asked for."""
    makes, net = network()
    writer = Writer(net)
    makers = {op: getattr(writer, op) for op in ("conv", "max_pool", "mean", "dense", "relu", "concat")}
    net.walk(makers, {name: name for name in net.inputs})
    message = writer.init if makes.startswith("init") else writer.predict
    with open(makes, "wb") as file:
        file.write(message.SerializeToString(deterministic=True))


main()
