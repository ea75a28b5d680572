"""A claim to build others on."""

from pytest_mlmodelscope.core.claim import Claim, DataUse, Source, Tolerance

ACCURACY = Claim(
    id="c",
    model="m",
    metric="accuracy",
    value=90.0,
    unit="%",
    direction="higher",
    tolerance=Tolerance("absolute", 0.5),
    source=Source("t", "90 %", "w", "2026-11-24"),
    dataset=DataUse("d"),
)
