"""The import contracts of our own notice what breaks them."""

import os
import subprocess
import sys
from pathlib import Path

import contracts
import pytest

CONFIG = """
[tool.importlinter]
root_package = "house"
include_external_packages = true
contract_types = ["members: contracts.MembersContract", "travels: contracts.TravelsContract"]

[[tool.importlinter.contracts]]
name = "steps apart"
type = "members"
modules = ["house.steps.*"]

[[tool.importlinter.contracts]]
name = "worker travels"
type = "travels"
modules = ["house.worker", "house.scenarios"]
allowed = ["numpy"]
"""


def verdict(folder, **files):
    """What lint-imports says of a package called house, in which ``files`` are replaced."""
    sound = {
        "__init__": "",
        "core": "",
        "steps/__init__": "",
        "steps/_shared": "",
        "steps/crop": "from house.steps import _shared\nfrom house import core\n",
        "steps/resize": "from house.steps import _shared\n",
        "worker/__init__": "",
        "worker/serve": "import json\nimport numpy\nfrom house import scenarios\n",
        "scenarios": "import time\n",
    }
    for name, text in {**sound, **{name.replace("__", "/"): text for name, text in files.items()}}.items():
        file = folder / "house" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (folder / "pyproject.toml").write_text(CONFIG)
    scripts = str(Path(contracts.__file__).parent)
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": scripts, "COLUMNS": "200"},
        capture_output=True,
        text=True,
    )


def test_a_sound_house_is_kept(tmp_path):
    done = verdict(tmp_path)

    assert done.returncode == 0, done.stdout
    assert "2 kept, 0 broken" in done.stdout


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"steps__crop": "from house.steps import resize\n"}, "house.steps.crop -> house.steps.resize"),
        ({"steps___shared": "import house.steps.resize\n"}, "house.steps._shared -> house.steps.resize"),
        ({"worker__serve": "import requests\n"}, "house.worker.serve imports requests"),
        ({"scenarios": "def f():\n    from house import core\n"}, "house.scenarios imports house.core"),
    ],
)
def test_an_import_that_breaks_a_contract_is_named(tmp_path, files, said):
    done = verdict(tmp_path, **files)

    assert done.returncode == 1
    assert said in done.stdout
