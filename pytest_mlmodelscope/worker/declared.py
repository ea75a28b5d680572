"""What a manifest declares of a model's inputs, held against what the model is given."""

from typing import Any

#: What passed last: the declaration itself, and what was given as ``_signature`` sees it.
_passed = (None, None)  # type: tuple[Any, Any]


def check(declared: "list[dict[str, Any]]", given: "Any") -> None:
    """Refuse inputs of another name, dtype or shape than the manifest declares.

    Raises ValueError or TypeError with a sentence. Axes that the manifest names are free, and so
    are shapes that it does not give.
    """
    global _passed  # noqa: PLW0603  # a worker has one model, and its queries are alike
    signature = _signature(given)
    if _passed[0] is declared and _passed[1] == signature:
        return
    _check(declared, given)
    _passed = (declared, signature)


def _signature(given: "Any") -> "list[Any]":
    """All that decides whether inputs are as declared, found in the time that a timed query has for it."""
    return [
        (name, getattr(value, "dtype", type(value)), getattr(value, "shape", None)) for name, value in given.items()
    ]


def _check(declared: "list[dict[str, Any]]", given: "Any") -> None:
    for entry in declared:
        if entry["name"] not in given:
            raise ValueError('input "%s" is missing; got %s' % (entry["name"], _listed(given)))
    if len(given) != len(declared):
        names = [entry["name"] for entry in declared]
        extra = [name for name in given if name not in names]
        raise ValueError("the model takes no input called %s; it takes %s" % (_listed(extra), _listed(names)))
    for entry in declared:
        if entry["dtype"] == "string":
            _check_text(entry, given[entry["name"]])
        else:
            _check_array(entry, given[entry["name"]])


def _listed(names: "Any") -> str:
    return ", ".join('"%s"' % name for name in names) or "none"


def _check_text(entry: "dict[str, Any]", value: "Any") -> None:
    if not isinstance(value, list):
        raise TypeError('input "%s" takes a list of text, not %s' % (entry["name"], type(value).__name__))


def _check_array(entry: "dict[str, Any]", value: "Any") -> None:
    dtype = getattr(getattr(value, "dtype", None), "name", None)
    if dtype != entry["dtype"]:
        raise TypeError('input "%s" takes %s, not %s' % (entry["name"], entry["dtype"], dtype or type(value).__name__))
    shape = entry.get("shape")
    if not shape:
        return
    fits = len(shape) == len(value.shape) and all(
        isinstance(want, str) or want == length for want, length in zip(shape, value.shape)
    )
    if not fits:
        raise ValueError('input "%s" takes the shape %s, not %s' % (entry["name"], list(shape), list(value.shape)))
