"""What ``import pytest_mlmodelscope`` offers, and what it does not import."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest_mlmodelscope as mlms

SOURCE = Path(mlms.__file__)


def ran(code: str, folder: Path) -> str:
    done = subprocess.run([sys.executable, "-c", dedent(code)], cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_import_imports_nothing(tmp_path):
    found = ran(
        """\
        import sys
        before = set(sys.modules)
        import pytest_mlmodelscope
        print(*sorted(set(sys.modules) - before))
        """,
        tmp_path,
    )
    assert found.split() == ["pytest_mlmodelscope"]


def test_the_library_works_where_there_is_no_pytest_and_needs_no_database(tmp_path):
    found = ran(
        """\
        import sys
        for name in ("pytest", "_pytest", "pluggy", "sqlalchemy", "fastapi", "click"):
            sys.modules[name] = None  # an import of it raises
        import pytest_mlmodelscope as mlms
        assert "numpy" not in sys.modules
        with mlms.load("vader-3.3.2") as model:
            print(model.predict("I love it").value > 0.5)
        print(mlms.find_models("squeezenet")[0].name)
        """,
        tmp_path,
    )
    assert found.split() == ["True", "squeezenet-1.1"]


def test_every_name_is_there_typed_and_described():
    for name in mlms.__all__:
        found = getattr(mlms, name)
        assert inspect.getdoc(found), name
        assert name in dir(mlms)
    assert not hasattr(mlms, "no_such_name")


def test_the_names_are_the_same_for_type_checkers_as_for_python():
    (checked,) = [node for node in ast.parse(SOURCE.read_text()).body if isinstance(node, ast.If)]
    imported = {
        alias.name: node.module for node in checked.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    imported.pop("Any")
    assert sorted(imported) == sorted(mlms.__all__)
    where = {name: f"pytest_mlmodelscope.{module}" for module, names in mlms._WHERE.items() for name in names}
    assert where == imported


def test_every_name_is_documented():
    text = (Path(__file__).resolve().parents[3] / "docs" / "library.md").read_text(encoding="utf-8")
    assert [name for name in mlms.__all__ if f"`{name}" not in text] == []


def test_packages_of_members_are_still_packages():
    from pytest_mlmodelscope import datasets, frameworks, targets

    assert {inspect.ismodule(one) for one in (datasets, frameworks, targets)} == {True}
