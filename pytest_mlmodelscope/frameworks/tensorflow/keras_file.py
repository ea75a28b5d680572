"""Keras files: .keras and HDF5 (.h5), without code of their own."""

import json
import os
import tempfile
import zipfile
from typing import Any

import tensorflow

from pytest_mlmodelscope.frameworks.tensorflow.graph import nodes
from pytest_mlmodelscope.frameworks.tensorflow.opened import Opened, array, known

_CODE = "code inside a model file is not run; save it without, or as a SavedModel"


def open_keras_file(request: "dict[str, Any]", _: int) -> Opened:
    """The model as one function; ``Model.predict`` would take more than twice the time."""
    path, suffix = request["files"]["model"], ".keras"
    if not zipfile.is_zipfile(path):
        suffix = ".h5"
    _refuse_code(_configuration(path, suffix))
    model = _loaded(path, suffix)
    inputs = {tensor.name.partition(":")[0]: tensor for tensor in model.inputs}
    outputs = dict(zip(_output_names(model), model.outputs))
    known(
        request["inputs"], {name: tensorflow.dtypes.as_dtype(tensor.dtype) for name, tensor in inputs.items()}, "input"
    )
    known(request["outputs"], outputs, "output")
    run = _Function(model, inputs, [entry["name"] for entry in request["outputs"]] or list(outputs))
    return Opened(run, nodes(run.graph.as_graph_def()), list(run.graph.variables))


class _Function:
    def __init__(self, model: "Any", inputs: "dict[str, Any]", outputs: "list[str]") -> None:
        self._model, self._outputs = model, outputs
        self._dtypes = {name: tensor.dtype for name, tensor in inputs.items()}
        names = _output_names(model)

        def serve(*tensors: "Any") -> "Any":
            returned = model(list(tensors) if len(tensors) > 1 else tensors[0], training=False)
            values = dict(zip(names, tensorflow.nest.flatten(returned)))
            return [values[name] for name in outputs]

        specs = [tensorflow.TensorSpec(tensor.shape, tensor.dtype) for tensor in inputs.values()]
        self._function = tensorflow.function(serve).get_concrete_function(*specs)
        self.graph = self._function.graph

    def __call__(self, inputs: "dict[str, Any]") -> "dict[str, Any]":
        returned = self._function(*[tensorflow.constant(inputs[name], dtype) for name, dtype in self._dtypes.items()])
        return {name: array(value.numpy()) for name, value in zip(self._outputs, returned)}


def _output_names(model: "Any") -> "list[str]":
    # Keras 3 knows them for functional models only; a sequence has one output, that of its last layer.
    names = list(getattr(model, "output_names", [])) or [model.layers[-1].name]
    if len(set(names)) != len(model.outputs):
        raise ValueError("the model's %d outputs have only the names %s" % (len(model.outputs), ", ".join(names)))
    return names


def _configuration(path: str, suffix: str) -> "Any":
    """What the file says of the model's layers, read without Keras."""
    try:
        text = _from_archive(path) if suffix == ".keras" else _from_hdf5(path)
        if text is None:
            raise ValueError("the file holds weights and no model")
        return json.loads(text)["config"]
    except (OSError, KeyError, zipfile.BadZipFile, UnicodeDecodeError, TypeError) as error:
        raise ValueError("the file is no whole Keras model (.keras or .h5): %s" % error) from None


def _from_archive(path: str) -> str:
    with zipfile.ZipFile(path) as archive:
        return archive.read("config.json").decode("utf-8")


def _from_hdf5(path: str) -> "Any":
    # Half of all models never need it.
    import h5py

    with h5py.File(path, "r") as file:
        text = file.attrs.get("model_config")
    return text.decode("utf-8") if isinstance(text, bytes) else text


def _refuse_code(config: "Any") -> None:
    """Raise ValueError where the configuration names code: Lambda layers, classes and functions of others."""
    if isinstance(config, list):
        for value in config:
            _refuse_code(value)
    if not isinstance(config, dict):
        return
    kind, module = str(config.get("class_name")), config.get("module") or "keras"
    if kind in ("Lambda", "__lambda__"):
        raise ValueError("the model has a Lambda layer: %s" % _CODE)
    registered = str(config.get("registered_name"))
    own = [name for name in (kind, registered) if ">" in name]  # so Keras marks what somebody registered
    if "class_name" in config and (own or str(module).partition(".")[0] != "keras"):
        name = own[0] if own else "%s.%s" % (module, kind)
        raise ValueError("the model needs %s, which is not part of Keras: %s" % (name, _CODE))
    for value in config.values():
        _refuse_code(value)


def _loaded(path: str, suffix: str) -> "Any":
    if not path.endswith(suffix):
        # Keras tells its formats apart by the name.
        link = os.path.join(tempfile.mkdtemp(), "model" + suffix)
        os.symlink(path, link)
        path = link
    safe = {"safe_mode": True} if _version() >= (2, 13) else {}
    return tensorflow.keras.models.load_model(path, compile=False, **safe)


def _version() -> "tuple[int, ...]":
    return tuple(int(part) for part in tensorflow.__version__.split(".")[:2])
