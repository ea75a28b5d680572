"""Every claim and manifest that comes with the project: valid, complete, and joined to each other."""

import re
from pathlib import Path

import pytest
import yaml

from pytest_mlmodelscope.claim.expand import expand
from pytest_mlmodelscope.claim.known import FILE_NAME, load_known
from pytest_mlmodelscope.claim.load import half_last_digit, load_claims
from pytest_mlmodelscope.core.bundled import bundled_root
from pytest_mlmodelscope.core.claim import Tolerance
from pytest_mlmodelscope.core.document import read_document
from pytest_mlmodelscope.core.registry import member
from pytest_mlmodelscope.core.schema import check
from pytest_mlmodelscope.manifest.load import Catalogue

REPOSITORY = Path(__file__).parents[2]
CLAIMS = bundled_root() / "claims"
MANIFESTS = bundled_root() / "manifests"
CATALOGUE = Catalogue([MANIFESTS])
FILES = sorted(path for path in CLAIMS.rglob("*.yml") if path.name != FILE_NAME)
EVERY = [claim for path in FILES for claim in load_claims(path)]
CASES = [case for claim in EVERY for case in expand(claim, CATALOGUE)]

#: What somebody published; a check may be the project's own demand.
PUBLISHED = [claim for claim in EVERY if claim.group == "metrics"]

every_claim = pytest.mark.parametrize("claim", PUBLISHED, ids=lambda claim: claim.id)


def test_there_is_something_to_verify():
    assert len(EVERY) >= 25


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_claim_file_obeys_its_schema(path):
    check(read_document(path), "claim")


@pytest.mark.parametrize("kind", ["model", "dataset"])
def test_manifests_obey_their_schema(kind):
    paths = sorted((MANIFESTS / f"{kind}s").glob("*.yml"))
    assert paths
    for path in paths:
        check(read_document(path), kind)


@pytest.mark.parametrize("name", CATALOGUE.model_names())
def test_a_model_loads_and_is_what_some_claim_is_about(name):
    model = CATALOGUE.model(name, "here")
    assert model.inputs or model.stages
    assert model.outputs
    assert name in {model for claim in EVERY for model, _ in _asked(CATALOGUE.model(claim.model, "here"), None)}


def _asked(model, framework):
    """A model with a framework, and those of the stages that are asked for it."""
    yield model.name, framework
    for stage in model.stages:
        yield from _asked(stage.model, stage.framework or framework)


@pytest.mark.parametrize("name", CATALOGUE.dataset_names())
def test_a_dataset_loads_and_is_what_some_claim_is_about(name):
    assert CATALOGUE.dataset(name, "here").splits
    assert any(claim.dataset is not None and claim.dataset.name == name for claim in EVERY)


@pytest.mark.parametrize("name", CATALOGUE.dataset_names())
def test_every_split_is_used_by_a_claim_or_trained_on(name):
    used = {case.claim.dataset.split for case in CASES if case.dataset is not None and case.dataset.name == name}
    used |= {
        case.framework.options["fit"]["split"]
        for case in CASES
        if case.dataset is not None and case.dataset.name == name and "fit" in case.framework.options
    }
    dataset = CATALOGUE.dataset(name, "here")
    assert used | _trained_on_elsewhere(dataset) == set(dataset.splits)


def _trained_on_elsewhere(dataset):
    """The splits of which a bundled model's recipe makes its weights."""
    models = [CATALOGUE.model(name, "here") for name in CATALOGUE.model_names()]
    known = {asset.sha256 for model in models for asset in model.assets.values()}
    inputs = {name: split.options.get("assets", {}).get("inputs") for name, split in dataset.splits.items()}
    return {name for name, asset in inputs.items() if asset is not None and dataset.assets[asset].sha256 in known}


def test_every_framework_of_a_model_is_held_against_some_claim():
    declared = {(name, use) for name in CATALOGUE.model_names() for use in CATALOGUE.model(name, "here").frameworks}
    assert declared == {asked for case in CASES for asked in _asked(case.model, case.framework.name)}


def test_no_two_claims_have_the_same_id():
    assert len({claim.id for claim in EVERY}) == len(EVERY)


@every_claim
def test_a_source_can_be_looked_up(claim):
    source = claim.source
    assert source.title
    assert source.authors
    assert source.where
    assert source.url or source.doi or _says_so_here(source)
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", source.read)
    assert source.verified or source.note, "what could not be looked up needs a note"


def _says_so_here(source):
    """Of a model of the project's own: the row stands in the model card that the source names."""
    return source.quote in (REPOSITORY / source.where.split(",")[0]).read_text(encoding="utf-8")


@every_claim
def test_the_value_stands_in_the_printed_figure_and_the_figure_in_the_quotation(claim):
    assert half_last_digit(claim.source.figure, claim.value) is not None
    assert claim.source.quote
    printed = re.search(r"\d[\d.,]*", claim.source.figure)[0]
    assert printed in claim.source.quote or "added here" in (claim.source.note or "")


@every_claim
def test_the_tolerance_is_written_out_and_no_wider_than_the_last_digit_says(claim):
    half = half_last_digit(claim.source.figure, claim.value)
    assert not claim.tolerance.derived
    assert claim.tolerance == Tolerance("absolute", claim.tolerance.amount)
    assert claim.tolerance.amount <= half * (1 + 1e-9)


@every_claim
def test_a_claim_names_its_frameworks_and_its_direction_is_not_left_to_the_metric(claim):
    assert claim.conditions.frameworks
    assert "direction:" in claim.path.read_text(encoding="utf-8")


@every_claim
def test_other_data_are_named_beside_the_author_s_own(claim):
    if (
        claim.dataset is not None
        and claim.dataset.relation != "same"
        and member("metrics", claim.metric).KIND == "items"
    ):
        assert claim.dataset.published_name


@every_claim
def test_the_same_data_hold_as_many_items_as_were_published(claim):
    if claim.dataset is not None and claim.dataset.relation == "same":
        split = CATALOGUE.dataset(claim.dataset.name, "here").splits[claim.dataset.split]
        assert claim.dataset.published_items == split.items


def test_every_package_of_an_environment_is_pinned():
    for case in CASES:
        for package in case.framework.packages:
            assert re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", package), package


def test_a_fresh_machine_downloads_little():
    assets = {
        asset.sha256: asset.size
        for owner in [*(case.model for case in CASES), *(case.dataset for case in CASES if case.dataset)]
        for asset in owner.assets.values()
        if asset.package or asset.url
    }
    assert sum(assets.values()) < 150e6


def test_accepted_verdicts_are_about_claims_that_exist():
    path = CLAIMS / FILE_NAME
    entries = load_known(path) if path.exists() else []
    assert {entry.claim for entry in entries} <= {claim.id for claim in EVERY}


def test_no_file_holds_a_path_of_a_machine():
    for path in [*CLAIMS.rglob("*"), *MANIFESTS.rglob("*")]:
        if path.is_file():
            assert not re.search(rb"/(?:root|home|tmp|work)/", path.read_bytes()), path
            assert path.suffix != ".yml" or yaml.safe_load(path.read_text(encoding="utf-8"))
