"""The bundled description of faces beside dlib's own, on the two portraits.

Run it with ``python benchmarks/faces.py FOLDER``, where ``dlib-bin`` and ``onnxruntime`` are installed and FOLDER holds
``dlib_face_recognition_resnet_model_v1.dat`` and ``shape_predictor_5_face_landmarks.dat`` of the package
``face_recognition_models`` 0.3.0 (100 MB). It prints

- the distance between what dlib's network and the model ``dlib-face`` say of the very same cut of a face, beside the
  length of the description: what the weights lost that face-api keeps as one byte each;
- the distance between the two people by dlib alone and by the pipeline ``faces``, which finds and cuts by itself, and
  that between both for one person; dlib takes two pictures for one person's below 0.6.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import dlib
import numpy as np
from PIL import Image

from pytest_mlmodelscope.library.loaded import load
from pytest_mlmodelscope.library.shelf import Shelf
from pytest_mlmodelscope.manifest.cache import Cache
from pytest_mlmodelscope.manifest.data import read_split
from pytest_mlmodelscope.manifest.fetch import Fetcher


def cuts(folder: Path, pictures: list[Any]) -> tuple[list[Any], list[Any]]:
    """By dlib: the first face of each picture, and its description."""
    find, points = (
        dlib.get_frontal_face_detector(),
        dlib.shape_predictor(str(folder / "shape_predictor_5_face_landmarks.dat")),
    )
    describe = dlib.face_recognition_model_v1(str(folder / "dlib_face_recognition_resnet_model_v1.dat"))
    chips = [dlib.get_face_chip(one, points(one, find(one, 1)[0]), 150, 0.25) for one in pictures]
    return chips, [np.array(describe.compute_face_descriptor(chip)) for chip in chips]


def main() -> None:
    """Print both."""
    dataset, fetcher = Shelf().dataset("portraits"), Fetcher(Cache())
    paths = [read_split(dataset, split, fetcher)[0].input for split in dataset.splits.values()]
    chips, theirs = cuts(Path(sys.argv[1]), [np.array(Image.open(path).convert("RGB")) for path in paths])
    with load("dlib-face", "onnxruntime") as model:
        ours = [np.array(answer.value) for answer in model.predict(*chips).answers]
    for path, one, other in zip(paths, ours, theirs, strict=True):
        print(f"{Path(path).name}: {np.linalg.norm(one - other):.4f} apart, of length {np.linalg.norm(other):.3f}")
    with load("faces", "onnxruntime") as pipeline:
        found = [np.array(answer.value[0]) for answer in pipeline.predict(*paths).answers]
    by_dlib, here = (np.linalg.norm(one - other) for one, other in (theirs, found))
    print(f"two people: {by_dlib:.3f} by dlib, {here:.3f} here")
    for path, one, other in zip(paths, found, theirs, strict=True):
        print(f"{Path(path).name}, dlib's beside the pipeline's: {np.linalg.norm(one - other):.3f}")


if __name__ == "__main__":
    main()
