"""SavedModel folders: one signature of one."""

from typing import Any

import tensorflow

from pytest_mlmodelscope.frameworks.tensorflow.graph import nodes
from pytest_mlmodelscope.frameworks.tensorflow.opened import Opened, array, known


def open_saved_model(request: "dict[str, Any]", _: int) -> Opened:
    """The function that the option ``signature`` names."""
    # TensorFlow 1.15 has the loader of TensorFlow 2 under this name, and so have all later ones.
    model = tensorflow.compat.v2.saved_model.load(request["files"]["model"])
    function = _signature(model, request["options"].get("signature", "serving_default"))
    inputs, outputs = function.structured_input_signature[1], function.structured_outputs
    known(request["inputs"], {name: spec.dtype for name, spec in inputs.items()}, "input")
    known(request["outputs"], {name: spec.dtype for name, spec in outputs.items()}, "output")
    names = [entry["name"] for entry in request["outputs"]] or list(outputs)
    run = _Signature(model, function, {name: spec.dtype for name, spec in inputs.items()}, names)
    return Opened(run, nodes(function.graph.as_graph_def()), list(function.graph.variables))


class _Signature:
    def __init__(self, model: "Any", function: "Any", dtypes: "dict[str, Any]", outputs: "list[str]") -> None:
        # The functions of a loaded model live as long as the model does.
        self._model = model
        self._function = function
        self._dtypes = dtypes
        self._outputs = outputs

    def __call__(self, inputs: "dict[str, Any]") -> "dict[str, Any]":
        tensors = {name: tensorflow.constant(value, self._dtypes[name]) for name, value in inputs.items()}
        returned = self._function(**tensors)
        return {name: array(returned[name].numpy()) for name in self._outputs}


def _signature(model: "Any", name: str) -> "Any":
    signatures = model.signatures
    if name not in signatures:
        raise ValueError('the model has no signature "%s"; it has %s' % (name, ", ".join(signatures) or "none"))
    return signatures[name]
