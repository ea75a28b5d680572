"""Functions that were written with jax.export, on JAX."""

import os
from typing import Any

import jax
import jax.export
import jaxlib
import numpy

from pytest_mlmodelscope.frameworks._declared import only, threads
from pytest_mlmodelscope.frameworks.jax.module import parameters, precision, refuse_calls_of_python


class JaxPredictor:
    """One exported function, compiled for each shape that it meets."""

    def __init__(self, request: "dict[str, Any]") -> None:
        only("the device", request["device"], ["cpu"])
        self._threads = _take_processors(threads(request["threads"]))
        exported = _read(request["files"]["model"])
        # JAX would take 64 bits for 32 otherwise, and say so in a warning only.
        jax.config.update("jax_enable_x64", _wide(exported))
        self._order = _order(request["inputs"], _names(exported.in_tree), exported.in_avals)
        places = _places(request["outputs"], _names(exported.out_tree))
        self._outputs = [name for name, _ in places]
        self._call = jax.jit(_flat(exported, [place for _, place in places]))
        module = _lowered(self._call, exported)
        refuse_calls_of_python(module)
        self._parameters, self._precision = parameters(module), precision(module)
        only("the precision", request["precision"], [self._precision])

    def predict(self, inputs: "dict[str, Any]") -> "dict[str, Any]":
        """All declared outputs by name."""
        returned = self._call(*[inputs[name] for name in self._order])
        # Waits until the values are there, and copies them.
        return {name: numpy.array(value) for name, value in zip(self._outputs, returned)}

    def describe(self) -> "dict[str, Any]":
        """Versions, threads and precision as they really are."""
        return {
            "framework": "jax",
            "version": jax.__version__,
            "device": jax.default_backend(),
            "threads": self._threads,
            "precision": self._precision,
            "build": jax.devices()[0].client.platform_version,
            "libraries": {"numpy": numpy.__version__, "jaxlib": jaxlib.__version__},
            "parameters": self._parameters,
        }


def _take_processors(count: int) -> int:
    """JAX starts a thread for each processor that it may use, and has no other setting for that."""
    allowed = sorted(os.sched_getaffinity(0))
    if count > len(allowed):
        raise ValueError("JAX has a thread for each processor, and only %d of %d are here" % (len(allowed), count))
    # Workers beside each other should not all take the first ones.
    first = os.getpid() % len(allowed)
    os.sched_setaffinity(0, (allowed + allowed)[first : first + count])
    return len(os.sched_getaffinity(0))


def _read(path: str) -> "Any":
    with open(path, "rb") as file:
        data = bytearray(file.read())
    try:
        exported = jax.export.deserialize(data)
    except Exception as error:  # noqa: BLE001  # of any kind, since what is read is anything
        raise ValueError("the file is no whole function of jax.export: %s" % (str(error) or repr(error))) from None
    if "cpu" not in exported.platforms:
        raise ValueError("the function was exported for %s, not for the cpu" % ", ".join(exported.platforms))
    return exported


def _wide(exported: "Any") -> bool:
    return any(aval.dtype.itemsize == 8 for aval in tuple(exported.in_avals) + tuple(exported.out_avals))


def _names(tree: "Any") -> "list[str | None]":
    """The key of each leaf in the dict that it stands in; None for what has a position only."""
    numbered = jax.tree_util.tree_unflatten(tree, list(range(tree.num_leaves)))
    paths = [path for path, _ in jax.tree_util.tree_flatten_with_path(numbered)[0]]
    return [str(path[-1].key) if path and hasattr(path[-1], "key") else None for path in paths]


def _order(declared: "list[dict[str, Any]]", names: "list[str | None]", avals: "Any") -> "list[str]":
    """The declared inputs in the order of the function's own: by name, else by position."""
    given = [entry["name"] for entry in declared]
    order = given if not any(names) else [name or "" for name in names]
    if sorted(order) != sorted(given) or len(order) != len(avals):
        has = ", ".join(name or "one without a name" for name in names)
        raise ValueError("the function takes %s; the manifest declares %s" % (has, ", ".join(given)))
    dtypes = {entry["name"]: entry["dtype"] for entry in declared}
    for name, aval in zip(order, avals):
        if dtypes[name] != aval.dtype.name:
            raise ValueError(
                'the function takes "%s" as %s; the manifest declares %s' % (name, aval.dtype.name, dtypes[name])
            )
    return order


def _places(declared: "list[dict[str, Any]]", names: "list[str | None]") -> "list[tuple[str, int]]":
    """Each declared output and its place among those that are returned: by name, else by position."""
    wanted = [entry["name"] for entry in declared] or [name or "output" for name in names]
    if not any(names):
        if len(wanted) > len(names):
            raise ValueError("the function returns %d outputs, the manifest names %d" % (len(names), len(wanted)))
        return list(zip(wanted, range(len(names))))
    missing = [name for name in wanted if name not in names]
    if missing:
        has = ", ".join(name or "one without a name" for name in names)
        raise ValueError('the function returns no "%s"; it returns %s' % (missing[0], has))
    return [(name, names.index(name)) for name in wanted]


def _flat(exported: "Any", places: "list[int]") -> "Any":
    """The function with its arguments in a row, and only those results that are at the places."""

    def call(*leaves: "Any") -> "list[Any]":
        args, kwargs = jax.tree_util.tree_unflatten(exported.in_tree, leaves)
        returned = jax.tree_util.tree_leaves(exported.call(*args, **kwargs))
        return [returned[place] for place in places]

    return call


def _lowered(call: "Any", exported: "Any") -> "Any":
    """The function as a module of StableHLO, with one for each length that is free."""
    shapes = [
        jax.ShapeDtypeStruct([length if isinstance(length, int) else 1 for length in aval.shape], aval.dtype)
        for aval in exported.in_avals
    ]
    return call.lower(*shapes).compiler_ir("stablehlo")


def load(request: "dict[str, Any]") -> JaxPredictor:
    """Read the function."""
    return JaxPredictor(request)
