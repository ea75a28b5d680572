"""The network for TensorFlow: a SavedModel (a folder), a frozen graph (.pb), Keras (.keras) or LiteRT (.tflite)."""

import io
import json
import os
import re
import zipfile
from typing import Any, Dict

import tensorflow
from network import Network, network


def graph(net: Network, weights: "Dict[str, Any]", values: "Dict[str, Any]") -> "Dict[str, Any]":
    """All values of the network, with channels last, by the names of their layers."""
    nn = tensorflow.nn

    def conv(layer: "Dict[str, Any]", value: "Any") -> "Any":
        pad, weight = layer["pad"], weights[layer["name"] + ".weight"]
        made = nn.conv2d(value, weight, layer["stride"], [[0, 0], [pad, pad], [pad, pad], [0, 0]])
        return nn.bias_add(made, weights[layer["name"] + ".bias"], name=_plain(layer))

    def dense(layer: "Dict[str, Any]", value: "Any") -> "Any":
        weight = weights[layer["name"] + ".weight"]
        made = tensorflow.matmul(tensorflow.reshape(value, [-1, weight.shape[0]]), weight)
        return nn.bias_add(made, weights[layer["name"] + ".bias"], name=_plain(layer))

    makers = {
        "conv": conv,
        "dense": dense,
        "mean": lambda layer, value: tensorflow.reduce_mean(value, [1, 2], name=_plain(layer)),
        "relu": lambda layer, value: nn.relu(value, name=_plain(layer)),
        "concat": lambda layer, *values: tensorflow.concat(values, 3, name=_plain(layer)),
        "max_pool": lambda layer, value: nn.max_pool2d(
            value, layer["kernel"], layer["stride"], "VALID", name=_plain(layer)
        ),
    }
    return net.walk(makers, values)


def _plain(layer: "Dict[str, Any]") -> str:
    return str(layer["name"].replace("/", "_"))


def arrays(net: Network) -> "Dict[str, Any]":
    """The weights with channels last, by their names."""
    layers = [layer for layer in net.layers if layer["op"] in ("conv", "dense")]
    weights = {layer["name"] + ".weight": net.channels_last(layer) for layer in layers}
    return dict(weights, **{layer["name"] + ".bias": net.bias(layer) for layer in layers})


class Module(tensorflow.Module):
    """The network as one function, with its weights as variables."""

    def __init__(self, net: Network) -> None:
        super().__init__()
        self.weights = {name: tensorflow.Variable(values, name=_safe(name)) for name, values in arrays(net).items()}
        specs = [tensorflow.TensorSpec(shape, "float32", name) for name, shape in shapes(net).items()]

        def run(*given: "Any") -> "Any":
            values = graph(net, self.weights, dict(zip(net.inputs, given)))
            return {name: values[name] for name in net.outputs}

        self.run = tensorflow.function(run, input_signature=specs)


def shapes(net: Network) -> "Dict[str, Any]":
    """What goes in, channels last, for any number of items."""
    return {name: [None, *shape[1:], shape[0]] for name, shape in net.inputs.items()}


def _safe(name: str) -> str:
    return name.replace("/", "_").replace(".", "_")


def saved_model(net: Network, makes: str) -> None:
    """A folder; without the file that holds a random number."""
    module = Module(net)
    tensorflow.saved_model.save(module, makes, signatures=module.run)
    os.remove(os.path.join(makes, "fingerprint.pb"))


def litert(net: Network, makes: str) -> None:
    """One file, in which inputs and outputs have names."""
    module = Module(net)
    converter = tensorflow.lite.TFLiteConverter.from_concrete_functions([module.run.get_concrete_function()], module)
    with open(makes, "wb") as file:
        file.write(converter.convert())


def frozen(net: Network, makes: str) -> None:
    """One graph with the weights in it."""
    with tensorflow.Graph().as_default() as made:
        placeholder = tensorflow.compat.v1.placeholder
        inputs = {name: placeholder("float32", shape, name) for name, shape in shapes(net).items()}
        weights = {name: tensorflow.constant(values, name=_safe(name)) for name, values in arrays(net).items()}
        graph(net, weights, dict(inputs))
    with open(makes, "wb") as file:
        file.write(made.as_graph_def().SerializeToString(deterministic=True))


def keras(net: Network, makes: str) -> None:
    """Keras's own format, without the time of day and addresses in memory."""
    from keras import Input, Model, layers

    def conv(layer: "Dict[str, Any]", value: "Any") -> "Any":
        if layer["pad"]:
            value = layers.ZeroPadding2D(layer["pad"], name=_plain(layer) + "_pad")(value)
        return layers.Conv2D(len(net.weight(layer)), layer["kernel"], layer["stride"], name=_plain(layer))(value)

    def max_pool(layer: "Dict[str, Any]", value: "Any") -> "Any":
        return layers.MaxPooling2D(layer["kernel"], layer["stride"], name=_plain(layer))(value)

    def dense(layer: "Dict[str, Any]", value: "Any") -> "Any":
        flat = layers.Flatten(name=_plain(layer) + "_flat")(value)
        return layers.Dense(len(net.weight(layer)), name=_plain(layer))(flat)

    makers = {
        "conv": conv,
        "max_pool": max_pool,
        "dense": dense,
        "mean": lambda layer, value: layers.GlobalAveragePooling2D(name=_plain(layer))(value),
        "relu": lambda layer, value: layers.ReLU(name=_plain(layer))(value),
        "concat": lambda layer, *values: layers.Concatenate(name=_plain(layer))(list(values)),
    }
    inputs = {name: Input(shape[1:], name=name) for name, shape in shapes(net).items()}
    values = net.walk(makers, dict(inputs))
    model = Model(list(inputs.values()), [values[name] for name in net.outputs], name="network")
    for layer in net.layers:
        if layer["op"] in ("conv", "dense"):
            model.get_layer(_plain(layer)).set_weights([net.channels_last(layer), net.bias(layer)])
    model.save("network.keras")
    with open("network.keras", "rb") as raw:
        data = _timeless(raw.read())
    os.remove("network.keras")
    with open(makes, "wb") as file:
        file.write(data)


def _timeless(data: bytes) -> bytes:
    plain = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(plain, "w") as new:
        for name in sorted(old.namelist()):
            part = old.read(name)
            if name == "metadata.json":
                part = json.dumps(dict(json.loads(part), date_saved="1980-01-01@00:00:00"), sort_keys=True).encode()
            if name == "config.json":
                part = re.sub(rb', "shared_object_id": \d+', b"", part)
            new.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), part)
    return plain.getvalue()


def main() -> None:
    """Write what is asked for: its ending says which."""
    makes, net = network()
    writers = {".pb": frozen, ".tflite": litert, ".keras": keras, "": saved_model}
    writers[os.path.splitext(makes)[1]](net, makes)


main()
