"""Make the files of a bundled model again by its recipes, and hold its frameworks against plain numpy.

``python scripts/models.py make MODEL [ASSET ...]`` runs the recipes of these assets, or of all that lie in
the repository, puts what they make in its place, and writes its digest and size into the manifest.
``python scripts/models.py compare MODEL`` runs every framework over the whole test set and prints how far
it is from the same layers computed by ``forward.py``. It exits with 1 where a prediction differs.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from forward import Reference
from numpy.typing import NDArray

from pytest_mlmodelscope.agent.agent import Agent
from pytest_mlmodelscope.agent.environment import Environments
from pytest_mlmodelscope.agent.recipe import Recipes
from pytest_mlmodelscope.core.errors import MlmsError
from pytest_mlmodelscope.core.manifest import Asset, FrameworkUse, ModelManifest
from pytest_mlmodelscope.interfaces.dataset import Item
from pytest_mlmodelscope.manifest.cache import Cache
from pytest_mlmodelscope.manifest.data import read_split
from pytest_mlmodelscope.manifest.digest import measure
from pytest_mlmodelscope.manifest.fetch import Fetcher
from pytest_mlmodelscope.manifest.load import load_dataset, load_model
from pytest_mlmodelscope.manifest.pipeline import Preparation

MANIFESTS: Final = Path(__file__).parent.parent / "manifests"
#: The labelled pictures on which a model's frameworks are compared.
DATA: Final = {
    "fashion-cnn": "fashion-mnist",
    "fashion-cnn-exported": "fashion-mnist",
    "fashion-cnn-frozen": "fashion-mnist",
    "fashion-cnn-int8": "fashion-mnist",
    "fashion-cnn-keras": "fashion-mnist",
    "fashion-cnn-torch-1.0.1": "fashion-mnist",
    "squeezenet-1.1": "foolbox-imagenet",
}
BATCH: Final = 100


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["make", "compare"])
    parser.add_argument("model", choices=sorted(path.stem for path in (MANIFESTS / "models").glob("*.yml")))
    parser.add_argument("names", nargs="*", metavar="ASSET", help="or frameworks, to compare only these")
    given = parser.parse_args(arguments)
    model = load_model(MANIFESTS / "models" / f"{given.model}.yml")
    try:
        return {"make": _make, "compare": _compare}[given.command](model, given.names)
    except MlmsError as error:
        sys.exit(str(error))


def fetcher() -> tuple[Fetcher, Environments]:
    """What fetches and makes assets, and the environments that it does it in; both in the user's cache."""
    cache = Cache()
    environments = Environments(cache.root, progress=_say)
    return Fetcher(cache, progress=_say, make=Recipes(environments)), environments


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


# -- make -------------------------------------------------------------------------------------


def _make(model: ModelManifest, names: Sequence[str]) -> int:
    source, _ = fetcher()
    shipped = [name for name, asset in model.assets.items() if asset.recipe and asset.path]
    # What others are made of comes first, under the digest that it has by then.
    for name in names or shipped:
        model = load_model(model.path)
        with source.remade(model.assets[name]) as made:
            _put(model, model.assets[name], made)
    return 0


def _put(model: ModelManifest, asset: Asset, made: Path) -> None:
    sha256, size = measure(made)
    same = (sha256, size) == (asset.sha256, asset.size)
    print(f"{asset.name}: {size:,} bytes, sha256 {sha256}{'' if same else ', CHANGED'}")
    if asset.path:
        place = asset.base / asset.path
        if place.is_dir():
            shutil.rmtree(place)
        place.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if made.is_dir() else shutil.copyfile)(made, place)
    model.path.write_text(stated(model.path.read_text(), asset.name, sha256, size))


def stated(text: str, name: str, sha256: str, size: int) -> str:
    """The text of a manifest in which an asset has another digest and size."""
    head, entry, rest = re.split(rf"(?m)(^  {re.escape(name)}:$)", text, maxsplit=1)
    rest = re.sub(r"(?m)^    sha256: .*$", f"    sha256: {sha256}", rest, count=1)
    return head + entry + re.sub(r"(?m)^    size: .*$", f"    size: {size}", rest, count=1)


# -- compare ----------------------------------------------------------------------------------


def _compare(model: ModelManifest, names: Sequence[str]) -> int:
    if model.name not in DATA:
        sys.exit(f"{model.name} is not compared with the layers in forward.py; {', '.join(DATA)} are")
    source, environments = fetcher()
    data = load_dataset(MANIFESTS / "datasets" / f"{DATA[model.name]}.yml")
    items = read_split(data, data.splits["test"], source)
    labels = np.array([item.label for item in items])
    expected = _of_witness(model, source, items)
    print(f"numpy: {(expected.argmax(1) == labels).sum():,} of {len(items):,} right")
    found = []
    for name in names or model.frameworks:
        outputs = _of_framework(model, model.frameworks[name], source, environments, items)
        others = int((outputs.argmax(1) != expected.argmax(1)).sum())
        right = int((outputs.argmax(1) == labels).sum())
        found.append(others)
        largest = abs(outputs - expected).max()
        print(f"{name}: {right:,} right, {others} other answers, largest difference {largest:.2g}", flush=True)
    return int(any(found))


def _of_witness(model: ModelManifest, source: Fetcher, items: Sequence[Item]) -> NDArray[Any]:
    witness = Reference(source.fetch(model.assets["layers"]), source.fetch(model.assets["weights"]))
    before = Preparation(model.inputs, {})
    last = model.inputs[0].layout == "NHWC"
    tensors = (before.tensors(batch)[witness.input] for batch in _batches(items))
    return np.concatenate([witness(np.moveaxis(tensor, 3, 1) if last else tensor) for tensor in tensors])


def _of_framework(
    model: ModelManifest, use: FrameworkUse, source: Fetcher, environments: Environments, items: Sequence[Item]
) -> NDArray[Any]:
    files = {role: source.fetch(model.assets[name]) for role, name in use.assets.items()}
    inputs, outputs = use.inputs or model.inputs, use.outputs or model.outputs
    before = Preparation(inputs, {})
    with Agent(environments.obtain(use)) as agent:
        agent.open(
            {
                "files": {role: str(path) for role, path in files.items()},
                "options": dict(use.options),
                "inputs": [{"name": one.name, "dtype": one.dtype, "shape": list(one.shape)} for one in inputs],
                "outputs": [{"name": one.name, "dtype": one.dtype, "shape": list(one.shape)} for one in outputs],
                "threads": 1,
                "device": "cpu",
                "precision": "fp32",
            }
        )
        parts = [agent.predict(before.tensors(batch))[0][outputs[0].name] for batch in _batches(items)]
    return np.concatenate(parts)


def _batches(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    return (items[at : at + BATCH] for at in range(0, len(items), BATCH))


if __name__ == "__main__":
    sys.exit(main())
