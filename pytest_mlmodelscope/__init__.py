"""Published machine-learning claims as executable tests; and a library: ``import pytest_mlmodelscope as mlms``.

The package is imported in every pytest run of its user's environment, so this module imports nothing before one of its
names is used.
"""

__version__ = "0.1.0"

#: What type checkers take for true, without an import.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pytest_mlmodelscope.core.errors import InputError, MlmsError
    from pytest_mlmodelscope.engine.bench import Settings
    from pytest_mlmodelscope.library.answers import Answer, Figure, Prediction, Scored
    from pytest_mlmodelscope.library.cards import ClaimCard, DatasetCard, FrameworkCard, ModelCard, TargetCard
    from pytest_mlmodelscope.library.comparing import diff
    from pytest_mlmodelscope.library.evaluating import evaluate
    from pytest_mlmodelscope.library.finding import (
        find_claims,
        find_datasets,
        find_frameworks,
        find_models,
        find_targets,
    )
    from pytest_mlmodelscope.library.loaded import Loaded, load, predict
    from pytest_mlmodelscope.library.shelf import Shelf
    from pytest_mlmodelscope.library.verdicts import Verified
    from pytest_mlmodelscope.library.verifying import record_of, verify
    from pytest_mlmodelscope.record.diff import Difference

__all__ = [
    "Answer",
    "ClaimCard",
    "DatasetCard",
    "Difference",
    "Figure",
    "FrameworkCard",
    "InputError",
    "Loaded",
    "MlmsError",
    "ModelCard",
    "Prediction",
    "Scored",
    "Settings",
    "Shelf",
    "TargetCard",
    "Verified",
    "diff",
    "evaluate",
    "find_claims",
    "find_datasets",
    "find_frameworks",
    "find_models",
    "find_targets",
    "load",
    "predict",
    "record_of",
    "verify",
]

#: Where each of them is.
_WHERE = {
    "core.errors": ("InputError", "MlmsError"),
    "engine.bench": ("Settings",),
    "library.answers": ("Answer", "Figure", "Prediction", "Scored"),
    "library.cards": ("ClaimCard", "DatasetCard", "FrameworkCard", "ModelCard", "TargetCard"),
    "library.comparing": ("diff",),
    "library.evaluating": ("evaluate",),
    "library.finding": ("find_claims", "find_datasets", "find_frameworks", "find_models", "find_targets"),
    "library.loaded": ("Loaded", "load", "predict"),
    "library.shelf": ("Shelf",),
    "library.verdicts": ("Verified",),
    "library.verifying": ("record_of", "verify"),
    "record.diff": ("Difference",),
}


def __getattr__(name: str) -> "Any":
    """One of the names of the library, imported now."""
    from importlib import import_module

    for module, names in _WHERE.items():
        if name in names:
            found = globals()[name] = getattr(import_module(f"{__name__}.{module}"), name)
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> "list[str]":
    return sorted({*globals(), *__all__})
