"""What the front page shows is about the claims that are there."""

from __future__ import annotations

import re
from pathlib import Path

from pytest_mlmodelscope.claim.known import load_known
from pytest_mlmodelscope.claim.load import is_claim_file, load_claims
from pytest_mlmodelscope.core.registry import names

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CLAIMS = {
    claim.id: claim
    for path in sorted((ROOT / "claims").glob("*.yml"))
    if is_claim_file(path)
    for claim in load_claims(path)
}
SHOWN = re.findall(r"^([A-Z]+)( \(KNOWN\))?  (\S+), \w+\n    published ([\d.]+)", README, re.MULTILINE)


def test_every_claim_that_is_shown_is_there_with_its_figure() -> None:
    assert SHOWN
    for _, _, claim, published in SHOWN:
        assert CLAIMS[claim].value == float(published)


def test_an_accepted_verdict_that_is_shown_is_accepted() -> None:
    accepted = {entry.claim: entry.verdicts for entry in load_known(ROOT / "claims" / "known.yml")}
    for verdict, known, claim, _ in SHOWN:
        assert (verdict.lower() in accepted[claim]) if known else (verdict == "CONFIRMED" and claim not in accepted)


def test_every_framework_is_named() -> None:
    section = README.partition("## Frameworks")[2].partition("\n## ")[0].casefold().replace(" ", "")
    assert [name for name in names("frameworks") if name not in section] == []


def test_the_numbers_of_claims_and_models_are_right() -> None:
    models = {claim.model for claim in CLAIMS.values()}
    assert f"{len(CLAIMS)} claims about {len(models)} models" in README
