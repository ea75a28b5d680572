"""Claims to build others on."""

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

#: One about the model and the data that ``write_digits`` writes, as a file.
DIGITS = """\
schema: claim/1
id: digits-accuracy
model: digits-means
dataset: digits
metric: accuracy
value: 90.2
unit: "%"
tolerance: {absolute: 1}
source: {title: Notes, figure: "90.2 %", where: line 1, read: "2026-11-20"}
"""
