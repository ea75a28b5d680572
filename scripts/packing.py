"""What a GPU machine without a network needs, packed on a machine with one; and the run over there.

``pack`` leaves everything in the folder ``.gpu``: packages in one archive (they are many small files), and a
cache with the models and data of all claims about GPUs. The frameworks themselves are those of the machine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
PACK: Final = ROOT / ".gpu"
PROJECT: Final = "pytest-mlmodelscope"
#: What the machine has itself, in versions that fit its frameworks, and what these claims do not need.
LEFT_OUT: Final = frozenset(
    {"numpy", "onnx", "onnxruntime", "pytest", "pytest-benchmark", "scikit-learn", "uv", PROJECT}
)
#: The other machine's Python and kind.
PYTHON: Final = "3.12"
PLATFORM: Final = "x86_64-manylinux_2_28"
#: Parts of packages that nobody imports.
UNUSED: Final = ("tests", "include", "__pycache__")


# -- here: with a network ---------------------------------------------------------------------


def pack(python: str = PYTHON) -> int:
    """Fill the folder anew, for this version of Python over there."""
    shutil.rmtree(PACK, ignore_errors=True)
    site = PACK / "site"
    _install(site, python)
    _compress(site, PACK / "packages.zip")
    shutil.rmtree(site)
    _fill_cache(PACK / "cache")
    size = sum(path.stat().st_size for path in PACK.rglob("*") if path.is_file())
    print(f"{PACK}: {size / 2**20:.1f} MiB; over there: ./scripts/gpu")
    return 0


def needed(name: str = PROJECT, seen: set[str] | None = None) -> set[str]:
    """The packages that the project needs over there, as they are installed here (without extras)."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    seen = set() if seen is None else seen
    for text in metadata.requires(name) or ():
        requirement = Requirement(text)
        found = canonicalize_name(requirement.name)
        wanted = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if wanted and found not in seen | LEFT_OUT:
            seen.add(found)
            needed(found, seen)
    return seen


def _install(site: Path, python: str) -> None:
    from pytest_mlmodelscope.agent.interpreters import find_uv

    pinned = [f"{name}=={metadata.version(name)}" for name in sorted(needed())]
    common = [
        find_uv() or "uv",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        str(site),
        "--python-version",
        python,
    ]
    # The project itself is built from this tree; over there the tree comes first, and this gives its entry points.
    for what in (["--only-binary", ":all:", *pinned], [str(ROOT)]):
        subprocess.run([*common, "--python-platform", PLATFORM, *what], check=True)


def _compress(site: Path, archive: Path) -> None:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(site.rglob("*")):
            inside = path.relative_to(site)
            if path.is_file() and not set(UNUSED) & set(inside.parts[1:]):
                packed.write(path, inside)


def _fill_cache(root: Path) -> None:
    """Models and data of the claims about GPUs, and nothing that they were unpacked from."""
    from pytest_mlmodelscope.claim.expand import expand
    from pytest_mlmodelscope.claim.load import is_claim_file, load_claims
    from pytest_mlmodelscope.manifest import inventory
    from pytest_mlmodelscope.manifest.cache import Cache
    from pytest_mlmodelscope.manifest.data import read_split
    from pytest_mlmodelscope.manifest.fetch import Fetcher
    from pytest_mlmodelscope.manifest.load import Catalogue

    cache, catalogue = Cache(root), Catalogue([ROOT / "manifests"])
    fetcher = Fetcher(cache)
    files = filter(is_claim_file, sorted((ROOT / "claims").glob("*.yml")))
    claims = [claim for path in files for claim in load_claims(path)]
    about_gpus = [claim for claim in claims if claim.conditions.hardware.device == "gpu"]
    for case in (case for claim in about_gpus for case in expand(claim, catalogue)):
        for name in case.framework.assets.values():
            fetcher.fetch(case.model.assets[name])
        if case.dataset is not None and case.claim.dataset is not None:
            read_split(case.dataset, case.dataset.splits[case.claim.dataset.split], fetcher)
    inventory.prune(cache)


# -- over there: with a GPU --------------------------------------------------------------------


def run(arguments: Sequence[str]) -> int:
    """The conformance of PyTorch on the GPU, then the claims; record and baselines go to ``OUT`` (default: out)."""
    out = Path(os.environ.get("OUT", ROOT / "out")).absolute()
    out.mkdir(parents=True, exist_ok=True)
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(_paths()), "MLMS_CACHE": str(PACK / "cache")}
    done = [subprocess.run(command, cwd=ROOT, env=variables, check=False) for command in _commands(out, arguments)]
    print(f"record and baselines: {out}")
    return max(one.returncode for one in done)


def _paths() -> Iterator[str]:
    archive, site = PACK / "packages.zip", PACK / "site"
    if archive.exists() and not site.exists():
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(site)
    yield str(site)
    yield from filter(None, [os.environ.get("PYTHONPATH")])


def _commands(out: Path, arguments: Sequence[str]) -> Iterator[list[str]]:
    pytest = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
    yield [sys.executable, "-c", "from pytest_mlmodelscope.cli.main import main; main()", "targets"]
    yield [*pytest, "-q", "-rs", "tests/conformance/test_pytorch.py", "-k", "OnGpu"]
    record = ["--mlms-record", "--mlms-baselines", str(out / "baselines"), "--mlms-json", str(out / "gpu.json")]
    yield [*pytest, "--mlms", "--mlms-offline", "-m", "gpu", *record, *arguments]


if __name__ == "__main__":
    sys.exit(pack(*sys.argv[1:2]))
