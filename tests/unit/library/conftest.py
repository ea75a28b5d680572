"""Models that are loaded once for all tests of a file."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from pytest_mlmodelscope.library.loaded import load
from pytest_mlmodelscope.library.shelf import Shelf


@pytest.fixture(scope="session")
def shelf():
    """The models, claims and datasets that come with the package."""
    return Shelf()


@pytest.fixture(scope="session")
def clothes(shelf):
    """The classifier of Fashion-MNIST, in this environment's ONNX Runtime."""
    with load("fashion-cnn", "onnxruntime", shelf=shelf) as model:
        yield model


@pytest.fixture(scope="session")
def sentiment(shelf):
    """A model of texts."""
    with load("vader-3.3.2", shelf=shelf) as model:
        yield model


@pytest.fixture(scope="session")
def types(shelf):
    """A model of files."""
    with load("magika", shelf=shelf) as model:
        yield model


@pytest.fixture(scope="session")
def speech(shelf):
    """A model of sound."""
    with load("silero-vad", "onnxruntime", shelf=shelf) as model:
        yield model


@pytest.fixture(scope="session")
def pictures(shelf):
    """A model of pictures."""
    with load("squeezenet-1.1", "onnxruntime", shelf=shelf) as model:
        yield model


@pytest.fixture
def png():
    """A function that makes the bytes of a picture, of pixels."""

    def made(pixels: np.ndarray) -> bytes:
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG")
        return file.getvalue()

    return made
