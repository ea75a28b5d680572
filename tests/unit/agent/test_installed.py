"""Whether the files of an environment are still those that were installed."""

import shutil
import zipfile

import pytest

from pytest_mlmodelscope.agent.wish import Wish
from pytest_mlmodelscope.core.errors import EnvironmentUnavailable

from .conftest import make_wheel, spec

FILES = {"deep/__init__.py": "", "deep/code.py": "ONE = 1\n", "deep/gpu/kernel.so": "kernel", "deep/used/a.so": "a"}


@pytest.fixture
def deep(built, wheels):
    """An environment with one package, and the folder that the package is in."""
    make_wheel(wheels, "deep", "1.0", FILES)
    wish = Wish("python", spec("deep", prune=("deep/gpu",)))
    (folder,) = built.obtain(wish).glob("lib/python*/site-packages/deep")
    for file in folder.rglob("*.*"):  # which the installer's cache may share
        text = file.read_text()
        file.unlink()
        file.write_text(text)
    return wish.key, folder


def name(folder):
    """A package's folder as it is told: below the environment's."""
    return "/".join(folder.parts[-4:])


def refusal(built, key, **how):
    with pytest.raises(EnvironmentUnavailable, match="is not as it was installed") as refused:
        built.verify(key, **how)
    assert refused.value.hint.startswith(f"mlms env remove {key}")
    return refused.value.got


def test_what_nobody_touched_is_right_and_what_was_pruned_is_not_missed(built, deep):
    key, folder = deep
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "code.cpython-311.pyc").write_bytes(b"compiled")
    built.verify(key)
    built.verify(key, content=True)


def test_a_file_that_is_missing_is_found(built, deep):
    key, folder = deep
    shutil.rmtree(folder / "used")
    assert refusal(built, key) == f"{name(folder)}/used/a.so is missing"


def test_a_file_of_another_size_is_found_and_the_others_are_counted(built, deep):
    key, folder = deep
    (folder / "code.py").write_text("ONE = 100\n")
    (folder / "used/a.so").unlink()
    assert refusal(built, key) == f"{name(folder)}/code.py has 10 bytes, not 8 (and 1 more)"


def test_other_bytes_of_the_same_number_are_found_where_everything_is_read(built, deep):
    key, folder = deep
    (folder / "code.py").write_text("ONE = 2\n")
    built.verify(key)
    assert refusal(built, key, content=True) == f"{name(folder)}/code.py has other bytes than were installed"


def test_what_a_wheels_maker_wrote_down_wrongly_is_no_damage(built, wheels):
    """As in the real wheel of CNTK, whose METADATA is six bytes longer than its record says."""
    wheel = make_wheel(wheels, "wrong", "1.0", {"wrong.py": "ONE = 1\n", "right.py": "TWO = 2\n"})
    with zipfile.ZipFile(wheel) as file:
        texts = {entry: file.read(entry).decode() for entry in file.namelist()}
    with zipfile.ZipFile(wheel, "w") as file:
        for entry, text in texts.items():
            file.writestr(entry, text + "# more\n" if entry == "wrong.py" else text)
    wish = Wish("python", spec("wrong"))
    folder = built.obtain(wish)
    built.verify(wish.key)
    (found,) = folder.glob("lib/python*/site-packages/right.py")
    found.unlink()
    assert refusal(built, wish.key).endswith("right.py is missing")
