"""Models that are Python: a function, or an object with a method, of some package."""

import importlib
import os
import platform
import sys
from importlib import metadata
from typing import Any

from pytest_mlmodelscope.frameworks._declared import only
from pytest_mlmodelscope.frameworks.python import source
from pytest_mlmodelscope.frameworks.python.place import find, steps


class PythonPredictor:
    """One function that is called for each item, or for all items of a query at once."""

    def __init__(self, request: "dict[str, Any]") -> None:
        only("the device", request["device"], ["cpu"])
        # What a package computes in is its own affair; the default of a claim is let pass.
        only("the precision", request["precision"], ["fp32", "fp64"])
        if len(request["inputs"]) != 1 or len(request["outputs"]) != 1:
            raise ValueError("a Python function takes exactly one input and returns exactly one output")
        options = request["options"]
        self._request = request
        self._options = options
        self._output = request["outputs"][0]["name"]
        self._path = steps(options.get("result", ""))
        if "code" in request["files"]:
            source.install(request["files"]["code"], options.get("code", {}))
        self._model = _construct(_entry(options["entry"]), options.get("construct"))
        self._call = getattr(self._model, options["call"]) if "call" in options else self._model
        if not callable(self._call):
            raise TypeError("%s cannot be called" % options["entry"])
        self._failures = 0

    def predict(self, inputs: "dict[str, Any]") -> "dict[str, Any]":
        """The answers in the order of the items; None for an item on which the function failed."""
        (values,) = inputs.values()
        if self._options.get("batch"):
            answers = self._call(values)
            answers = answers if not self._path else [find(answer, self._path) for answer in answers]
            return {self._output: answers if hasattr(answers, "dtype") else list(answers)}
        return {self._output: [find(self._one(value), self._path) for value in values]}

    def _one(self, value: "Any") -> "Any":
        try:
            return self._call(value)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001  # one item's failure is an answer: it has none
            self._failures += 1
            if self._failures <= 3:
                sys.stderr.write("no answer for an item: %s: %s\n" % (type(error).__name__, error))
            return None

    def fit(self, inputs: "dict[str, Any]", labels: "list[Any]") -> None:
        """Train the model on these items."""
        (values,) = inputs.values()
        getattr(self._model, self._options.get("fit", {}).get("method", "fit"))(values, labels)

    def describe(self) -> "dict[str, Any]":
        """The interpreter, and every package of the environment with its version."""
        asked = os.environ.get("OMP_NUM_THREADS")
        return {
            "framework": "python",
            "version": platform.python_version(),
            "device": "cpu",
            "threads": int(asked) if asked else None,
            "precision": "native",
            "build": sys.version,
            "libraries": _versions(),
            "parameters": None,
        }


def _entry(text: str) -> "Any":
    module, _, attributes = text.partition(":")
    found = importlib.import_module(module)
    for name in attributes.split("."):
        found = getattr(found, name)
    return found


def _construct(entry: "Any", how: "dict[str, Any] | None") -> "Any":
    if how is None:
        return entry
    args = [_argument(value) for value in how.get("args", [])]
    kwargs = {name: _argument(value) for name, value in how.get("kwargs", {}).items()}
    model = entry(*args, **kwargs)
    for method in how.get("then", []):
        model = getattr(model, method)()
    return model


def _argument(value: "Any") -> "Any":
    is_reference = isinstance(value, dict) and list(value) == ["entry"]
    return _entry(value["entry"]) if is_reference else value


def _versions() -> "dict[str, str]":
    """What is installed beside the model: its environment holds little else."""
    return {found.metadata["Name"]: found.version for found in metadata.distributions()}


def load(request: "dict[str, Any]") -> PythonPredictor:
    """Import the entry and construct the model."""
    return PythonPredictor(request)
