"""Models in the formats of ONNX, Caffe and TensorFlow, on OpenCV's DNN module."""

from typing import Any

import cv2
import numpy

from pytest_mlmodelscope.frameworks._declared import only, threads
from pytest_mlmodelscope.frameworks._onnx import survey


class OpenCvPredictor:
    """One network."""

    def __init__(self, request: "dict[str, Any]") -> None:
        only("the device", request["device"], ["cpu"])
        cv2.setNumThreads(threads(request["threads"]))
        self._request = request
        form = request["options"].get("format", "onnx")
        self._parameters, self._precision = 0, "fp32"
        if form == "onnx":
            # OpenCV reads half a model as a whole one; and its layers do not tell quantised weights.
            self._parameters, self._precision = survey(request["files"]["model"])
        only("the precision", request["precision"], [self._precision])
        self._net = _read(form, request["files"])
        self._parameters = self._parameters or _parameters(self._net)
        self._outputs = _outputs(self._net, request["outputs"])
        self._try()

    def _try(self) -> None:
        """Refuse what OpenCV would only tell of with the first query: inputs that are none, layers without weights."""
        sizes_known = True
        for entry in self._request["inputs"]:
            # OpenCV makes this of anything, so a model may only say that it wants this.
            only('the dtype of the input "%s",' % entry["name"], entry["dtype"], ["float32"])
            shape = entry.get("shape") or ["unknown"] * 2
            sizes_known &= all(isinstance(length, int) for length in shape[1:])
            values = numpy.zeros([length if isinstance(length, int) else 1 for length in shape], "float32")
            try:
                self._net.setInput(values, entry["name"])
            except cv2.error as error:
                raise ValueError('the model takes no input "%s": %s' % (entry["name"], _said(error))) from None
        if sizes_known:
            self._forward()

    def _forward(self) -> "Any":
        try:
            return self._net.forward(self._outputs)
        except cv2.error as error:
            raise ValueError("OpenCV cannot run the model: %s" % _said(error)) from None

    def predict(self, inputs: "dict[str, Any]") -> "dict[str, Any]":
        """All declared outputs by name; OpenCV copies what comes in and what goes out."""
        for name, values in inputs.items():
            self._net.setInput(values, name)
        return dict(zip(self._outputs, self._forward()))

    def describe(self) -> "dict[str, Any]":
        """Versions, threads and precision as they really are."""
        return {
            "framework": "opencv",
            "version": cv2.__version__,
            "device": "cpu",
            "threads": cv2.getNumThreads(),
            "precision": self._precision,
            "build": cv2.getBuildInformation(),
            "libraries": {"numpy": numpy.__version__},
            "parameters": self._parameters or None,
        }


def _read(form: str, files: "dict[str, str]") -> "Any":
    model, network = files["model"], files.get("network")
    if form == "caffe" and network is None:
        raise ValueError("a caffemodel alone is no model: the manifest must give its prototxt as network")
    readers = {
        "onnx": lambda: cv2.dnn.readNetFromONNX(model),
        "caffe": lambda: cv2.dnn.readNetFromCaffe(network, model),
        "tensorflow": lambda: cv2.dnn.readNetFromTensorflow(model, *([network] if network else [])),
    }
    try:
        net = readers[form]()
    except cv2.error as error:
        raise ValueError("OpenCV cannot read the model: %s" % _said(error)) from None
    if net.empty():
        raise ValueError("OpenCV finds no layers in the model")
    net.setPreferableBackend(cv2.dnn.DNN_BACKEND_OPENCV)
    net.setPreferableTarget(cv2.dnn.DNN_TARGET_CPU)
    return net


def _outputs(net: "Any", declared: "list[dict[str, Any]]") -> "list[str]":
    has = list(net.getLayerNames())
    for entry in declared:
        if entry["name"] not in has:
            raise ValueError('the model has no layer "%s"; it has %s' % (entry["name"], ", ".join(has[-20:])))
    return [entry["name"] for entry in declared] or list(net.getUnconnectedOutLayersNames())


def _parameters(net: "Any") -> int:
    layers = [net.getLayer(net.getLayerId(name)) for name in net.getLayerNames()]
    return sum(int(blob.size) for layer in layers for blob in layer.blobs)


def _said(error: "Any") -> str:
    return " ".join(str(getattr(error, "err", None) or error).split())


def load(request: "dict[str, Any]") -> OpenCvPredictor:
    """Read the model."""
    return OpenCvPredictor(request)
