"""What a file of any format becomes: a function, and the nodes of the graph that it runs."""

from typing import Any, Callable, NamedTuple

import numpy

_SHOWN = 20


class Opened(NamedTuple):
    """``run`` takes arrays by name and returns all declared outputs; ``nodes``, ``variables``: what takes part."""

    run: "Callable[[dict[str, Any]], dict[str, Any]]"
    nodes: "list[Any]"
    variables: "list[Any]"


def known(declared: "list[dict[str, Any]]", real: "dict[str, Any]", what: str) -> None:
    """Refuse a name that a model does not have, and an input that it takes in another type.

    ``real`` maps the names that there are to TensorFlow's types. Raises ValueError with a sentence.
    """
    for entry in declared:
        name = entry["name"]
        if name not in real:
            raise ValueError('the model has no %s "%s"; it has %s' % (what, name, listed(real)))
        if what == "input" and entry["dtype"] != real[name].name:
            raise ValueError(
                'the model takes "%s" as %s; the manifest declares %s' % (name, real[name].name, entry["dtype"])
            )


def listed(names: "Any") -> str:
    """The first of many names, for a sentence."""
    names = list(names)
    more = " and %d more" % (len(names) - _SHOWN) if len(names) > _SHOWN else ""
    return (", ".join(names[:_SHOWN]) or "none") + more


def array(values: "Any") -> "Any":
    """What TensorFlow returned, as the caller's own; texts as text."""
    if values.dtype == object:
        return numpy.char.decode(numpy.asarray(values).astype(bytes), "utf-8", "replace")
    # A copy: the array may share its memory with a tensor.
    return numpy.array(values)
