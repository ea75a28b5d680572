"""Models of TensorFlow: SavedModel folders, frozen graphs and Keras files."""

from typing import Any

import numpy
import tensorflow

from pytest_mlmodelscope.frameworks._declared import only, threads
from pytest_mlmodelscope.frameworks.tensorflow import graph
from pytest_mlmodelscope.frameworks.tensorflow.frozen_graph import open_frozen_graph
from pytest_mlmodelscope.frameworks.tensorflow.keras_file import open_keras_file
from pytest_mlmodelscope.frameworks.tensorflow.saved_model import open_saved_model

if tensorflow.__version__.startswith("1."):
    tensorflow.compat.v1.enable_v2_behavior()

_FORMATS = {"saved_model": open_saved_model, "frozen_graph": open_frozen_graph, "keras": open_keras_file}
_threading = tensorflow.config.threading


class TensorFlowPredictor:
    """One function of a loaded model."""

    def __init__(self, request: "dict[str, Any]") -> None:
        only("the device", request["device"], ["cpu"])
        count = threads(request["threads"])
        _threading.set_intra_op_parallelism_threads(count)
        _threading.set_inter_op_parallelism_threads(1)
        opened = _FORMATS[request["options"].get("format", "saved_model")](request, count)
        graph.refuse_outside(opened.nodes)
        self._parameters = graph.parameters(opened.nodes, opened.variables)
        self._precision = graph.precision(opened.nodes, opened.variables)
        only("the precision", request["precision"], [self._precision])
        self._run = opened.run

    def predict(self, inputs: "dict[str, Any]") -> "dict[str, Any]":
        """All declared outputs by name; texts as arrays of text."""
        return self._run(inputs)

    def describe(self) -> "dict[str, Any]":
        """Versions, threads and precision as they really are."""
        return {
            "framework": "tensorflow",
            "version": tensorflow.__version__,
            "device": "cpu",
            "threads": _threading.get_intra_op_parallelism_threads(),
            "precision": self._precision,
            "build": _build(),
            "libraries": {"numpy": numpy.__version__},
            "parameters": self._parameters,
        }


def _build() -> "dict[str, Any] | None":
    # TensorFlow before 2.3 does not say how it was built.
    information = getattr(tensorflow.sysconfig, "get_build_info", None)
    return dict(information()) if information else None


def load(request: "dict[str, Any]") -> TensorFlowPredictor:
    """Load the model."""
    return TensorFlowPredictor(request)
