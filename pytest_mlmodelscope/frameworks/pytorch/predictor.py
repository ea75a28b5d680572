"""Models of PyTorch, from files that hold tensors and code of its own kind, never a pickle."""

import importlib
from typing import Any

import numpy
import torch

from pytest_mlmodelscope.frameworks._declared import check, only, threads

_PRECISIONS = {torch.float32: "fp32", torch.float64: "fp64", torch.float16: "fp16", torch.bfloat16: "bf16"}


class TorchPredictor:
    """One module in evaluation mode."""

    def __init__(self, request: "dict[str, Any]") -> None:
        only("the device", request["device"], ["cpu"])
        torch.set_num_threads(threads(request["threads"]))
        self._request = request
        self._model = _FORMATS[request["options"]["format"]](request["files"]["model"], request["options"])
        self._precision = _precision(self._model)
        only("the precision", request["precision"], [self._precision])
        reset = request["options"].get("reset")
        self._reset = getattr(self._model, reset) if reset else None

    def predict(self, inputs: "dict[str, Any]") -> "dict[str, Any]":
        """All declared outputs by name; the module gets the inputs in the manifest's order."""
        check(self._request["inputs"], inputs)
        # Copies, as a module may work in place.
        tensors = [torch.from_numpy(inputs[entry["name"]].copy()) for entry in self._request["inputs"]]
        with torch.inference_mode():
            if self._reset is not None:
                self._reset()
            returned = self._model(*tensors)
        return self._named(returned)

    def _named(self, returned: "Any") -> "dict[str, Any]":
        names = [entry["name"] for entry in self._request["outputs"]]
        if isinstance(returned, dict):
            missing = [name for name in names if name not in returned]
            if missing:
                raise ValueError("the model returns no %s; it returns %s" % (missing[0], ", ".join(returned)))
            return {name: _array(returned[name]) for name in names or returned}
        values = list(returned) if isinstance(returned, (tuple, list)) else [returned]
        if len(names) > len(values):
            raise ValueError("the model returns %d outputs, the manifest names %d" % (len(values), len(names)))
        return {name: _array(value) for name, value in zip(names, values)}

    def describe(self) -> "dict[str, Any]":
        """Versions, threads and precision as they really are."""
        return {
            "framework": "pytorch",
            "version": torch.__version__,
            "device": "cpu",
            "threads": torch.get_num_threads(),
            "precision": self._precision,
            "build": torch.__config__.show(),
            "libraries": {"numpy": numpy.__version__},
            "parameters": sum(parameter.numel() for parameter in self._model.parameters()) or None,
        }


def _array(value: "Any") -> "Any":
    if not isinstance(value, torch.Tensor):
        raise TypeError("the model returned %s where a tensor was expected" % type(value).__name__)
    # What aliases a buffer of the module would change with the next call.
    return value.detach().to("cpu").numpy().copy()


def _precision(model: "Any") -> str:
    """The type of most of the floating-point parameters; fp32 where there are none."""
    counts = {}  # type: dict[str, int]
    for parameter in model.parameters():
        name = _PRECISIONS.get(parameter.dtype)
        if name:
            counts[name] = counts.get(name, 0) + parameter.numel()
    return max(counts, key=lambda name: counts[name]) if counts else "fp32"


def _torchscript(path: str, _: "Any") -> "Any":
    return torch.jit.load(path, map_location="cpu").eval()


def _exported(path: str, _: "Any") -> "Any":
    return torch.export.load(path).module()


def _state_dict(path: str, options: "dict[str, Any]") -> "Any":
    if "architecture" not in options:
        raise ValueError("weights alone are no model: the manifest must name an architecture")
    weights = torch.load(path, map_location="cpu", weights_only=True)
    for key in [options["key"]] if "key" in options else []:
        if key not in weights:
            raise ValueError('the file has no "%s"; it has %s' % (key, ", ".join(map(str, list(weights)[:20]))))
        weights = weights[key]
    model = _built(options["architecture"])
    model.load_state_dict(weights, strict=True)
    return model.eval()


def _built(architecture: "dict[str, Any]") -> "Any":
    module, _, attributes = architecture["entry"].partition(":")
    found = importlib.import_module(module)  # type: Any
    for name in attributes.split("."):
        found = getattr(found, name)
    return found(*architecture.get("args", []), **architecture.get("kwargs", {}))


_FORMATS = {"torchscript": _torchscript, "exported": _exported, "state_dict": _state_dict}


def load(request: "dict[str, Any]") -> TorchPredictor:
    """Load the model."""
    return TorchPredictor(request)
