"""Models of PyTorch, from files that hold tensors and code of its own kind, never a pickle."""

import importlib
import os
from typing import Any

import numpy
import torch

from pytest_mlmodelscope.frameworks._declared import threads
from pytest_mlmodelscope.frameworks.pytorch import scan, weights
from pytest_mlmodelscope.frameworks.pytorch.device import Device

# Exported programs are else unpickled where they hold anything unusual.
os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"

#: The cheapest way of not recording gradients that this version has.
_quiet = getattr(torch, "inference_mode", torch.no_grad)


class TorchPredictor:
    """One module in evaluation mode."""

    def __init__(self, request: "dict[str, Any]") -> None:
        self._device = Device(request["device"], request["precision"])
        _set_threads(threads(request["threads"]))
        self._request = request
        self._inputs = [entry["name"] for entry in request["inputs"]]
        self._outputs = [entry["name"] for entry in request["outputs"]]
        form = request["options"]["format"]
        self._model = _FORMATS[form](request["files"]["model"], request["options"], self._device.place)
        # An exported program holds its types inside, beside those of its weights.
        self._precision = self._device.settle(self._model, converts=form != "exported")
        reset = request["options"].get("reset")
        self._reset = getattr(self._model, reset) if reset else None
        # Whether the module writes into its inputs; None until it has been seen at work.
        self._writes = False if self._device.apart else None  # type: bool | None

    def predict(self, inputs: "dict[str, Any]") -> "dict[str, Any]":
        """All declared outputs by name; the module gets the inputs in the manifest's order."""
        arrays = [numpy.ascontiguousarray(inputs[name]) for name in self._inputs]
        given = arrays if self._writes is False else [array.copy() for array in arrays]
        tensors = [self._device.put(array) for array in given]
        with _quiet():
            if self._reset is not None:
                self._reset()
            returned = self._model(*tensors)
        if not self._writes and not self._device.apart:
            self._look(tensors, arrays)
        self._device.wait()
        return self._named(returned)

    def _look(self, tensors: "list[Any]", arrays: "list[Any]") -> None:
        """Whether the module wrote into its inputs: each such write counts up a tensor's version."""
        wrote = [tensor for tensor in tensors if tensor._version]
        if self._writes is None:
            changed = any(tensor.numpy().tobytes() != array.tobytes() for tensor, array in zip(tensors, arrays))
            self._writes = bool(wrote) or changed
        elif wrote:
            self._writes = True
            raise ValueError("the model writes into its inputs, but only into some: this query is lost")

    def _named(self, returned: "Any") -> "dict[str, Any]":
        names = self._outputs
        if isinstance(returned, torch.Tensor) and len(names) == 1:
            return {names[0]: self._array(returned)}
        if isinstance(returned, dict):
            missing = [name for name in names if name not in returned]
            if missing:
                raise ValueError("the model returns no %s; it returns %s" % (missing[0], ", ".join(returned)))
            return {name: self._array(returned[name]) for name in names or returned}
        values = list(returned) if isinstance(returned, (tuple, list)) else [returned]
        if len(names) > len(values):
            raise ValueError("the model returns %d outputs, the manifest names %d" % (len(values), len(names)))
        return {name: self._array(value) for name, value in zip(names, values)}

    def _array(self, value: "Any") -> "Any":
        if not isinstance(value, torch.Tensor):
            raise TypeError("the model returned %s where a tensor was expected" % type(value).__name__)
        # What aliases a buffer of the module would change with the next call.
        return self._device.get(value)

    def describe(self) -> "dict[str, Any]":
        """Versions, threads and precision as they really are."""
        about = {"gpu": self._device.about()} if self._device.name == "gpu" else {}
        return {
            **about,
            "framework": "pytorch",
            "version": torch.__version__,
            "device": self._device.name,
            "threads": torch.get_num_threads(),
            "precision": self._precision,
            "build": torch.__config__.show() if hasattr(torch, "__config__") else None,
            "libraries": {"numpy": numpy.__version__},
            "parameters": sum(parameter.numel() for parameter in self._model.parameters()) or None,
        }


def _set_threads(count: int) -> None:
    torch.set_num_threads(count)
    # Can be set once in a process, and not at all in old versions.
    if getattr(torch, "get_num_interop_threads", lambda: 1)() != 1:
        torch.set_num_interop_threads(1)


def _torchscript(path: str, _: "Any", place: str) -> "Any":
    scan.refuse(path)
    try:
        return torch.jit.load(path, map_location=place).eval()
    except RuntimeError as error:
        hint = "PyTorch %s cannot read it as TorchScript; another version may: see `version` in the manifest"
        raise ValueError("%s (%s)" % (hint % torch.__version__, str(error).strip().splitlines()[0])) from None


def _exported(path: str, _: "Any", place: str) -> "Any":
    if not hasattr(torch, "export"):
        raise ValueError("PyTorch %s has no exported programs; take pytorch>=2.1" % torch.__version__)
    scan.refuse(path)
    program = torch.export.load(path)
    return (program if place == "cpu" else _moved(program, place)).module()


def _moved(program: "Any", place: str) -> "Any":
    """An exported program names devices inside, which this changes as well."""
    try:
        from torch.export.passes import move_to_device_pass
    except ImportError:
        hint = "PyTorch %s cannot move an exported program to another device; take pytorch>=2.6"
        raise ValueError(hint % torch.__version__) from None
    return move_to_device_pass(program, place)


def _state_dict(path: str, options: "dict[str, Any]", _: str) -> "Any":
    if "architecture" not in options:
        raise ValueError("weights alone are no model: the manifest must name an architecture")
    tensors = weights.read(path)
    for key in [options["key"]] if "key" in options else []:
        if key not in tensors:
            raise ValueError('the file has no "%s"; it has %s' % (key, ", ".join(map(str, list(tensors)[:20]))))
        tensors = tensors[key]
    model = _built(options["architecture"])
    model.load_state_dict(tensors, strict=True)
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
