"""``mlms new``: a first version of a manifest or a claim, from questions and from what a file says of itself."""

from __future__ import annotations

import click

from pytest_mlmodelscope.cli.console import examples
from pytest_mlmodelscope.cli.new.claim import claim
from pytest_mlmodelscope.cli.new.dataset import dataset
from pytest_mlmodelscope.cli.new.model import model


@click.group(epilog=examples("mlms new model net.onnx", "mlms new dataset pictures/", "mlms new claim"))
def new() -> None:
    """Write a first manifest of a model or a dataset, or a claim: questions with defaults, and what the file says.

    What is written passes `mlms lint`, and nothing is overwritten.
    """


for command in (model, dataset, claim):
    new.add_command(command)
