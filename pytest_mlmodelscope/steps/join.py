"""One text of several."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.interfaces.step import Kind, StepContext
from pytest_mlmodelscope.steps._schema import options as schema

OPTIONS: Final = schema({"with": {"description": "what stands between them (default: a space)", "type": "string"}})
TAKES: Final = Kind("text", 1)
GIVES: Final = Kind("text")


def make(options: Mapping[str, Any], context: StepContext) -> Callable[[Any], str]:
    """From a list of texts to one, without those that are empty or missing.

    Raises UsageError for what is no list of texts.
    """
    between = options.get("with", " ")

    def join(value: Any) -> str:
        if isinstance(value, str) or not all(one is None or isinstance(one, str) for one in value):
            raise UsageError("the step join takes a list of texts", got=repr(value)[:160])
        return str(between).join(one for one in value if one)

    return join
