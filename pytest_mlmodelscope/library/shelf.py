"""The shelf: the models, datasets and claims that are at hand, and what they run on; searched and shown."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Literal

from pytest_mlmodelscope.claim.expand import admitted
from pytest_mlmodelscope.claim.load import is_claim_file, load_claims
from pytest_mlmodelscope.core.bundled import bundled_root
from pytest_mlmodelscope.core.claim import Claim, Conditions, DataUse
from pytest_mlmodelscope.core.document import shown_path
from pytest_mlmodelscope.core.errors import UsageError, did_you_mean
from pytest_mlmodelscope.core.framework import framework_spec
from pytest_mlmodelscope.core.manifest import DatasetManifest, ModelManifest
from pytest_mlmodelscope.core.registry import names
from pytest_mlmodelscope.library.cards import ClaimCard, DatasetCard, FrameworkCard, ModelCard, TargetCard
from pytest_mlmodelscope.manifest.load import Catalogue
from pytest_mlmodelscope.record.case import conditions, dataset_name

#: What a shelf has; of claims and targets too, everything has one name.
Kind = Literal["model", "claim", "dataset", "framework", "target"]


class Shelf:
    """Manifests and claims below some folders, those that come with the package after them."""

    def __init__(self, manifests: Iterable[Path] = (), claims: Iterable[Path] = ()) -> None:
        """``manifests`` are folders with ``models/`` and ``datasets/``; ``claims`` are files or folders of claims
        (without any: those of ``claims/`` here, else those that come with the package).

        Raises:
            UsageError: one of them does not exist.
        """
        self._claim_roots = tuple(claims)
        for root in (*(given := tuple(manifests)), *self._claim_roots):
            if not root.exists():
                raise UsageError("there is no such file or folder", where=root)
        roots = [*given, Path("manifests"), bundled_root() / "manifests"]
        self.catalogue = Catalogue([root for root in roots if root.is_dir()])
        self._beside: dict[Path, Catalogue] = {}

    def beside(self, claims: Path) -> Catalogue:
        """The manifests that the claims of a file may name: those beside it, those of the project that it lies in, and
        those of this shelf.
        """
        folder = claims.parent
        if folder not in self._beside:
            near = [folder / "manifests", folder.parent / "manifests"]
            self._beside[folder] = Catalogue([*(root for root in near if root.is_dir()), *self.catalogue.roots])
        return self._beside[folder]

    def names(self, kind: Kind) -> Sequence[str]:
        """The names of all things of a kind: of claims their ids, of targets the kinds of machine."""
        if kind in ("framework", "target"):
            return names(f"{kind}s")
        if kind == "claim":
            return [claim.id for claim in self._claims]
        return self.catalogue.model_names() if kind == "model" else self.catalogue.dataset_names()

    @property
    def claim_roots(self) -> tuple[Path, ...]:
        """The files and folders of claims that were given."""
        return self._claim_roots

    # -- models ---------------------------------------------------------------------------

    def model(self, name: str) -> ModelManifest:
        """The manifest of a model.

        Raises:
            DocumentError: there is none of this name, or it is broken.
        """
        return self.catalogue.model(name, "")

    def models(self, text: str = "", task: str | None = None, framework: str | None = None) -> list[ModelCard]:
        """The models whose name, task or description has every word of ``text``, by name.

        Raises:
            DocumentError: a manifest is broken.
        """
        cards = [self._model_card(self.model(name)) for name in self.catalogue.model_names()]
        return [
            card
            for card in cards
            if _matches(text, (card.name, card.task, card.description))
            and task in (None, card.task)
            and (framework is None or framework in card.frameworks)
        ]

    def model_card(self, name: str) -> ModelCard:
        """What is told of one model.

        Raises:
            DocumentError: there is none of this name, or it is broken.
        """
        return self._model_card(self.model(name))

    def _model_card(self, model: ModelManifest) -> ModelCard:
        return ModelCard(
            name=model.name,
            version=model.version,
            task=model.task,
            license=model.license,
            description=model.description,
            frameworks=tuple(model.frameworks),
            claims=tuple(claim.id for claim in self._claims if claim.model == model.name),
            references=model.references,
            elsewhere=model.elsewhere,
            file=shown_path(model.path),
        )

    # -- datasets -------------------------------------------------------------------------

    def dataset(self, name: str) -> DatasetManifest:
        """The manifest of a dataset.

        Raises:
            DocumentError: there is none of this name, or it is broken.
        """
        return self.catalogue.dataset(name, "")

    def datasets(self, text: str = "") -> list[DatasetCard]:
        """The datasets whose name or description has every word of ``text``, by name.

        Raises:
            DocumentError: a manifest is broken.
        """
        cards = map(self.dataset_card, self.catalogue.dataset_names())
        return [card for card in cards if _matches(text, (card.name, card.description))]

    def dataset_card(self, name: str) -> DatasetCard:
        """What is told of one dataset.

        Raises:
            DocumentError: there is none of this name, or it is broken.
        """
        dataset = self.dataset(name)
        return DatasetCard(
            name=dataset.name,
            version=dataset.version,
            license=dataset.license,
            description=dataset.description,
            splits={split.name: split.items for split in dataset.splits.values()},
            references=dataset.references,
            claims=tuple(claim.id for claim in self._claims if claim.dataset and claim.dataset.name == name),
            file=shown_path(dataset.path),
        )

    def data_of(self, model: str) -> DataUse | None:
        """The data of the first claim about a model that is about data: of those here, else of the package."""
        return next((claim.dataset for claim in self._about(model) if claim.dataset is not None), None)

    def precision_of(self, model: str) -> str:
        """In which precision a model is asked: the usual one, unless all that is claimed of it is about others."""
        usual, said = Conditions().precision, [claim.conditions.precision for claim in self._about(model)]
        return usual if usual in said or not said else said[0]

    def _about(self, model: str) -> Iterator[Claim]:
        """The claims about a model: those here, then those of the package."""
        bundled = (claim for path in claim_files_below([bundled_root() / "claims"]) for claim in load_claims(path))
        return (claim for claim in chain(self._claims, bundled) if claim.model == model)

    # -- claims ---------------------------------------------------------------------------

    @functools.cached_property
    def _claims(self) -> tuple[Claim, ...]:
        return tuple(claim for path in self._claim_files() for claim in load_claims(path))

    def _claim_files(self) -> Iterator[Path]:
        here = Path("claims")
        yield from claim_files_below(self._claim_roots or [here if here.is_dir() else bundled_root() / "claims"])

    def claim(self, identity: str) -> Claim:
        """One claim.

        Raises:
            UsageError: there is none of this id; offers the nearest.
        """
        for claim in self._claims:
            if claim.id == identity:
                return claim
        hint = did_you_mean(identity, (claim.id for claim in self._claims))
        raise UsageError(f'no claim is called "{identity}"', hint=hint)

    def claims(self, text: str = "", model: str | None = None, metric: str | None = None) -> list[ClaimCard]:
        """The claims whose id, model, metric or source has every word of ``text``, in the order of their files.

        Raises:
            DocumentError: a claim file is broken.
        """
        return [
            self._claim_card(claim)
            for claim in self._claims
            if _matches(text, (claim.id, claim.model, claim.metric, claim.source.title))
            and model in (None, claim.model)
            and metric in (None, claim.metric)
        ]

    def claim_card(self, identity: str) -> ClaimCard:
        """What is told of one claim.

        Raises:
            UsageError: there is none of this id; offers the nearest.
        """
        return self._claim_card(self.claim(identity))

    def _claim_card(self, claim: Claim) -> ClaimCard:
        known = claim.model in self.catalogue.model_names()  # a list of claims needs no models
        return ClaimCard(
            id=claim.id,
            model=claim.model,
            dataset=dataset_name(claim),
            metric=claim.metric,
            value=claim.value,
            unit=claim.unit,
            published=claim.source.figure,
            direction=claim.direction,
            frameworks=tuple(use.name for use in admitted(claim, self.model(claim.model))) if known else (),
            source=asdict(claim.source),
            conditions=conditions(claim),
            file=f"{shown_path(claim.path)}:{claim.line}",
        )

    # -- what models run on ---------------------------------------------------------------

    def frameworks(self, text: str = "") -> list[FrameworkCard]:
        """The frameworks whose name or title has every word of ``text``, by name."""
        cards = map(self.framework_card, names("frameworks"))
        return [card for card in cards if _matches(text, (card.name, card.title))]

    def framework_card(self, name: str) -> FrameworkCard:
        """What is told of one framework.

        Raises:
            UsageError: there is none of this name; offers the nearest.
        """
        spec = framework_spec(name)
        versions = tuple(dict.fromkeys(entry.version for entry in spec.environments))
        return FrameworkCard(name, spec.title, versions, spec.devices)

    def targets(self, text: str = "") -> list[TargetCard]:
        """The kinds of machine whose name or description has every word of ``text``, looked for now."""
        return [card for card in map(self.target_card, names("targets")) if _matches(text, (card.name, card.about))]

    def target_card(self, name: str) -> TargetCard:
        """What is told of one target; it may be a machine's address.

        Raises:
            UsageError: there is none of this name; offers the nearest.
        """
        from pytest_mlmodelscope.library.machines import target_card

        return target_card(name)


def claim_files_below(roots: Iterable[Path]) -> Iterator[Path]:
    """The files that hold claims in folders; files as they are."""
    for root in roots:
        yield from sorted(p for p in root.rglob("*.y*ml") if is_claim_file(p)) if root.is_dir() else [root]


def _matches(text: str, fields: Iterable[str]) -> bool:
    told = " ".join(fields).lower()
    return all(word in told for word in text.lower().split())
