"""The tests are about the installed package, not about the folder that happens to lie beside them."""

import json
import sys
import sysconfig
from importlib import metadata
from pathlib import Path

import pytest_mlmodelscope

ROOT = Path(__file__).resolve().parents[3]


def is_editable():
    origin = metadata.distribution("pytest-mlmodelscope").read_text("direct_url.json")
    return origin is not None and json.loads(origin).get("dir_info", {}).get("editable", False)


def test_the_package_under_test_is_the_one_that_is_installed():
    folder = ROOT if is_editable() else Path(sysconfig.get_path("purelib"))

    assert Path(pytest_mlmodelscope.__file__).is_relative_to(folder)
    assert str(ROOT) not in sys.path or is_editable()


def test_scripts_test_installs_a_wheel():
    assert Path(sys.prefix) != ROOT / ".venv" or not is_editable()
