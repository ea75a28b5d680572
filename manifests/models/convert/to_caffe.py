"""The network as Caffe's two files: the layers alone (.prototxt), or with their weights (.caffemodel)."""

import sys
import types
from typing import Any, Dict

# Caffe's Python package imports these at its top, and the messages need none of them.
for _name, _gives in (("skimage", ""), ("skimage.io", ""), ("skimage.transform", "resize"), ("scipy.ndimage", "zoom")):
    setattr(sys.modules.setdefault(_name, types.ModuleType(_name)), _gives or "__doc__", None)

from caffe.proto import caffe_pb2  # noqa: E402
from google.protobuf import text_format  # noqa: E402
from network import Network, network  # noqa: E402


class Writer:
    """One message of layers."""

    def __init__(self, net: Network) -> None:
        self.net = net
        self.message = caffe_pb2.NetParameter(name="network")
        for name, shape in net.inputs.items():
            layer = self.message.layer.add(name=name, type="Input", top=[name])
            layer.input_param.shape.add(dim=[1, *shape])

    def add(self, kind: str, layer: "Dict[str, Any]", *inputs: str) -> "Any":
        """One more layer, with its weights where it has some."""
        made = self.message.layer.add(name=layer["name"], type=kind, bottom=inputs, top=[layer["name"]])
        if layer["name"] + ".weight" in self.net.arrays:
            for values in (self.net.weight(layer), self.net.bias(layer)):
                blob = made.blobs.add()
                blob.shape.dim.extend(values.shape)
                blob.data.extend(values.ravel().tolist())
        return made

    def conv(self, layer: "Dict[str, Any]", value: str) -> str:
        """A convolution."""
        about = self.add("Convolution", layer, value).convolution_param
        about.num_output = len(self.net.weight(layer))
        about.kernel_size.append(layer["kernel"])
        about.stride.append(layer["stride"])
        about.pad.append(layer["pad"])
        return str(layer["name"])

    def max_pool(self, layer: "Dict[str, Any]", value: str) -> str:
        """The largest of each window."""
        about = self.add("Pooling", layer, value).pooling_param
        about.pool, about.kernel_size, about.stride = about.MAX, layer["kernel"], layer["stride"]
        return str(layer["name"])

    def mean(self, layer: "Dict[str, Any]", value: str) -> str:
        """The mean over height and width."""
        pooled = {"name": layer["name"] + ".pooled"}
        about = self.add("Pooling", pooled, value).pooling_param
        about.pool, about.global_pooling = about.AVE, True
        self.add("Flatten", layer, pooled["name"])
        return str(layer["name"])

    def dense(self, layer: "Dict[str, Any]", value: str) -> str:
        """A layer that sees all."""
        self.add("InnerProduct", layer, value).inner_product_param.num_output = len(self.net.weight(layer))
        return str(layer["name"])

    def relu(self, layer: "Dict[str, Any]", value: str) -> str:
        """What is above zero."""
        self.add("ReLU", layer, value)
        return str(layer["name"])

    def concat(self, layer: "Dict[str, Any]", *values: str) -> str:
        """One behind the other."""
        self.add("Concat", layer, *values).concat_param.axis = 1
        return str(layer["name"])


def main() -> None:
    """Write the file that is asked for."""
    makes, net = network()
    writer = Writer(net)
    makers = {op: getattr(writer, op) for op in ("conv", "max_pool", "mean", "dense", "relu", "concat")}
    net.walk(makers, {name: name for name in net.inputs})
    message = writer.message
    if makes.endswith(".prototxt"):
        for layer in message.layer:
            del layer.blobs[:]
    text = makes.endswith(".prototxt")
    data = text_format.MessageToString(message).encode() if text else message.SerializeToString(deterministic=True)
    with open(makes, "wb") as file:
        file.write(data)


main()
