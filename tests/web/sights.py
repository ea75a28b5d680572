"""A model that looks at pictures of any size, on two frameworks, and a picture for it: what tests of pages try."""

from __future__ import annotations

import io
import wave
from pathlib import Path
from textwrap import dedent
from typing import Final

import numpy as np

NAME: Final = "digits-seen"
FRAMEWORKS: Final = ("onnxruntime", "opencv")


def write_model(folder: Path) -> None:
    """The manifest of ``digits-seen`` beside that of ``digits-means``, whose file it uses."""
    means = (folder / "manifests" / "models" / "digits-means.yml").read_text()
    graph = next(line for line in means.splitlines() if line.startswith("  graph:"))
    (folder / "manifests" / "models" / f"{NAME}.yml").write_text(
        dedent(f"""\
        schema: model/1
        name: {NAME}
        version: "1"
        task: image_classification
        license: BSD-3-Clause
        description: Nearest class mean on pictures of digits, of any size.
        assets:
        {graph}
        inputs:
          - name: pixels
            dtype: float32
            shape: [batch, 64]
            steps:
              - decode: {{colour: L}}
              - resize: {{size: [8, 8], interpolation: box}}
              - scale: {{divide: 15.9375}}
              - flatten
        outputs:
          - name: scores
            steps: [argmax]
        attributes: {{scores: logits, classes: [zero, one, two, three, four, five, six, seven, eight, nine]}}
        frameworks:
          onnxruntime: {{assets: {{model: graph}}}}
          opencv: {{assets: {{model: graph}}}}
        """)
    )


def picture(digits, of: int) -> bytes:
    """A PNG of the first picture of a digit, as large as one that somebody took."""
    from PIL import Image

    pictures, labels = digits
    pixels = (pictures[labels == of][0].reshape(8, 8) * 255 / 16).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).resize((320, 320), Image.Resampling.NEAREST).save(file, "PNG")
    return file.getvalue()


def sound(seconds: float, rate: int = 44_100) -> bytes:
    """A WAV of noise, at another rate than models take."""
    file = io.BytesIO()
    samples = np.random.default_rng(1).normal(0, 3000, int(seconds * rate)).astype("<i2")
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(rate)
        written.writeframes(samples.tobytes())
    return file.getvalue()
