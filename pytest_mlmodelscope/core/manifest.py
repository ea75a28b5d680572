"""What a model and a dataset are made of, as data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pytest_mlmodelscope.core.claim import NOTHING

Registry = Literal["pypi", "debian", "npm"]
How = Literal["whole", "each", "crops"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How an asset is made of others: by a script, in the environment of a framework.

    ``script`` is relative to the manifest. It runs in an empty folder, where it leaves the file or
    the folder called ``makes``; ``sources`` are the assets it makes that of, by the names it knows.
    """

    script: str
    framework: str
    makes: str
    sources: Mapping[str, Asset] = field(default_factory=lambda: NOTHING)
    version: str | None = None
    packages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asset:
    """One file (or one tree of files) of a model or a dataset.

    It comes from exactly one of ``package``, ``url``, ``path`` and ``recipe``, save that a file which
    lies at a ``path`` may say by which ``recipe`` it was made. ``file`` is the place inside
    the package, ``member`` the place inside an archive found there, ``tree`` a glob of several
    files that stay together. ``sha256`` is that of the file itself, or for a tree that of its
    listing: the lines ``<sha256>  <path>`` sorted by path, as ``sha256sum`` prints them.
    ``size`` is in bytes (of all files, for a tree).
    """

    name: str
    sha256: str
    size: int
    license: str
    package: str | None = None
    registry: Registry = "pypi"
    kind: Literal["wheel", "sdist"] = "wheel"
    url: str | None = None
    mirrors: tuple[str, ...] = ()
    path: str | None = None
    recipe: Recipe | None = None
    file: str | None = None
    member: str | None = None
    tree: str | None = None
    where: str = ""
    base: Path = Path()


@dataclass(frozen=True, slots=True)
class Step:
    """One pre- or post-processing step: its registered name and its parameters."""

    name: str
    options: Mapping[str, Any] = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True)
class Domain:
    """The tensors that a framework may be given: numbers from ``low`` to ``high``, or only these
    ``values``; texts of the characters in ``alphabet`` (None: any). ``axes`` maps the name of an axis
    to its shortest and its longest length.
    """

    low: float | None = None
    high: float | None = None
    values: tuple[Any, ...] = ()
    alphabet: str | None = None
    min_length: int = 0
    max_length: int = 100
    axes: Mapping[str, tuple[int, int]] = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True)
class Input:
    """One input tensor: how it is made from an item.

    ``shape`` names its axes or gives their lengths; a first axis called ``batch`` means that
    items are stacked along it, none that the model takes one item at a time. ``constant`` gives
    a tensor filled with one value that does not depend on the item. ``field`` picks a part of an
    item that has several. ``domain`` is what a check draws this tensor from.
    """

    name: str
    dtype: str
    shape: tuple[int | str, ...] = ()
    layout: str | None = None
    field: str | None = None
    constant: float | None = None
    steps: tuple[Step, ...] = ()
    domain: Domain | None = None

    @property
    def batched(self) -> bool:
        """Whether items are stacked along the first axis."""
        return bool(self.shape) and self.shape[0] == "batch"


@dataclass(frozen=True, slots=True)
class Output:
    """One output tensor, and the steps that make a prediction of one item's part of it."""

    name: str
    dtype: str | None = None
    shape: tuple[int | str, ...] = ()
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class FrameworkUse:
    """How one framework runs the model.

    ``options`` is the section of the manifest as written (checked against the framework's own
    schema), less what is common: ``assets`` maps roles (``model``, ``weights``...) to names of
    assets, ``packages`` are requirements installed beside the framework, ``inputs`` and
    ``outputs`` replace the model's own where a framework wants others. ``variables`` are environment variables that
    its worker gets beside the environment's; no manifest has any. ``stages`` are the frameworks of a pipeline's stages
    where somebody put them on several, and ``name`` says them all: ``find=onnxruntime+read=openvino``.
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    assets: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    packages: tuple[str, ...] = ()
    inputs: tuple[Input, ...] = ()
    outputs: tuple[Output, ...] = ()
    version: str | None = None
    variables: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    stages: Mapping[str, str] = field(default_factory=lambda: NOTHING)

    def of(self, stage: Stage) -> FrameworkUse:
        """How a stage's model is run where the pipeline is run like this.

        Raises:
            KeyError: the stage's model has no such framework.
        """
        return stage.model.frameworks[self.stages.get(stage.name) or stage.framework or self.name]


@dataclass(frozen=True, slots=True)
class Stage:
    """One model of a pipeline, and what it is asked about.

    ``of`` is the stage whose decisions it takes; None takes the pipeline's own item. ``how`` is *whole* (all that
    it decided of an item), *each* (one question for each element of a list) or *crops* (one for each box, cut out of
    the picture in which that stage found it). ``steps`` change each value on its way. ``framework`` is the one that
    this stage always runs on; None leaves it to who runs the pipeline.
    """

    name: str
    model: ModelManifest
    of: str | None = None
    how: How = "whole"
    steps: tuple[Step, ...] = ()
    framework: str | None = None
    where: str = ""


@dataclass(frozen=True, slots=True)
class ModelManifest:
    """One model, on one or more frameworks. ``digest`` is the SHA-256 of what defines it.

    ``elsewhere`` says where its files are when they are not at hand: only what is claimed of it is known. A model
    with ``stages`` is a pipeline of other models: its ``outputs`` are what its stages decide, by their names.
    """

    name: str
    version: str
    task: str
    license: str
    description: str
    frameworks: Mapping[str, FrameworkUse]
    assets: Mapping[str, Asset] = field(default_factory=lambda: NOTHING)
    inputs: tuple[Input, ...] = ()
    outputs: tuple[Output, ...] = ()
    references: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    elsewhere: str = ""
    stages: tuple[Stage, ...] = ()
    digest: str = ""
    path: Path = Path()

    def parts(self, use: FrameworkUse, place: str = "") -> Iterator[tuple[str, ModelManifest, FrameworkUse]]:
        """The model itself, of a pipeline all models of its stages: where it stands (empty: it is no stage), the
        model, and how it is run where the whole is run like ``use``.
        """
        if not self.stages:
            yield place, self, use
        for stage in self.stages:
            yield from stage.model.parts(use.of(stage), f"{place}.{stage.name}" if place else stage.name)


@dataclass(frozen=True, slots=True)
class Split:
    """One part of a dataset: how many items it has and how they are read.

    ``exclude_labels`` leaves out every item with one of these labels; ``items`` is the number
    after that.
    """

    name: str
    items: int
    reader: str
    options: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    exclude_labels: frozenset[str] = frozenset()
    where: str = ""


@dataclass(frozen=True, slots=True)
class DatasetManifest:
    """One dataset. ``digest`` is the SHA-256 of what defines it."""

    name: str
    version: str
    license: str
    description: str
    assets: Mapping[str, Asset]
    splits: Mapping[str, Split]
    references: tuple[str, ...] = ()
    digest: str = ""
    path: Path = Path()
