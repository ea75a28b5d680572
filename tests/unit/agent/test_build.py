"""Building environments from what a framework's file says, with packages made here."""

import json
import os
import platform
import re
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from pytest_mlmodelscope.agent import build as building
from pytest_mlmodelscope.agent import install as installing
from pytest_mlmodelscope.agent.built import BuiltEnvironments
from pytest_mlmodelscope.agent.install import InstallError, Plan, install, interpreter
from pytest_mlmodelscope.agent.interpreters import fitting
from pytest_mlmodelscope.agent.wish import Wish
from pytest_mlmodelscope.core.errors import EnvironmentUnavailable
from pytest_mlmodelscope.core.framework import Attempt
from pytest_mlmodelscope.manifest.digest import file_digest

from .conftest import make_wheel, spec


def about(built, wish):
    built.obtain(wish)
    return built.about(wish.key)


def place(built, wish):
    """The site-packages of an environment."""
    (found,) = built.obtain(wish).glob("lib/python*/site-packages")
    return found


@pytest.fixture
def lock(tmp_path, wheels):
    """Pins with hashes of the tiny model 1.5."""
    digest = file_digest(wheels / "tiny_model-1.5-py3-none-any.whl")
    file = tmp_path / "lock.txt"
    file.write_text(f"tiny-model==1.5 \\\n    --hash=sha256:{'0' * 64} \\\n    --hash=sha256:{digest}\n")
    return file


def test_a_lock_is_installed_instead_of_the_requirements(built, wheels, lock):
    wish = Wish("python", spec("tiny-model>=1", lock=lock))
    assert about(built, wish)["packages"]["tiny_model"] == "1.5"


def test_what_has_another_hash_than_the_lock_says_is_not_installed(built, wheels, lock):
    make_wheel(wheels, "tiny_model", "1.5", {"tiny_model.py": "VERSION = 'another'\n"})
    with pytest.raises(EnvironmentUnavailable, match="cannot be built") as refused:
        built.obtain(Wish("python", spec("tiny-model", lock=lock)))
    assert "hash" in refused.value.got.lower()


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_packages_beside_a_lock_leave_its_pins_as_they_are(built, wheels, lock, installer, monkeypatch):
    if installer == "pip":
        monkeypatch.setattr(installing, "find_uv", lambda: None)
    make_wheel(wheels, "beside", "1.0", {"beside.py": ""}, needs=("tiny-model",))
    found = about(built, Wish("python", spec("tiny-model", lock=lock), ("beside==1.0",)))["packages"]
    assert (found["tiny_model"], found["beside"]) == ("1.5", "1.0")


def test_a_package_that_wants_another_version_than_the_pins_is_refused(built, wheels, lock):
    make_wheel(wheels, "newer", "1.0", {"newer.py": ""}, needs=("tiny-model>=2",))
    with pytest.raises(EnvironmentUnavailable):
        built.obtain(Wish("python", spec("tiny-model", lock=lock), ("newer",)))


def test_the_key_changes_with_the_content_of_the_lock_and_all_that_is_new(wheels, lock, tmp_path):
    first = Wish("python", spec("a", lock=lock)).key
    moved = tmp_path / "moved.txt"
    moved.write_bytes(lock.read_bytes())
    assert Wish("python", spec("a", lock=moved)).key == first
    moved.write_text("# another\n" + lock.read_text())
    assert Wish("python", spec("a", lock=moved)).key != first
    keys = {Wish("python", spec("a")).key, Wish("python", spec("a"), asked="==1").key, first}
    keys |= {Wish("python", spec("a", prune=("b",))).key, Wish("python", spec("a"), asked=">=1").key}
    assert len(keys) == 5


@pytest.mark.parametrize(("asked", "version"), [("==1.0", "1.0"), (">=1.2,<2", "1.5"), (None, "1.5")])
def test_the_version_that_is_wanted_takes_its_place_in_the_requirements(built, wheels, asked, version):
    wish = Wish("python", spec("Tiny.Model{version}", version="1.5", admits=">=1"), asked=asked)
    assert about(built, wish)["version"] == about(built, wish)["packages"]["tiny_model"] == version
    assert f"python {version}" in wish.title or asked == ">=1.2,<2"


def test_another_version_than_the_listed_one_is_not_locked(built, wheels, lock):
    wish = Wish("python", spec("tiny-model{version}", version="1.5", lock=lock, admits=">=1"), asked="==2.0")
    assert about(built, wish)["version"] == "2.0"


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_a_version_that_does_not_exist_is_told_in_one_line(built, wheels, installer, monkeypatch):
    if installer == "pip":
        monkeypatch.setattr(installing, "find_uv", lambda: None)
    with pytest.raises(EnvironmentUnavailable) as refused:
        built.obtain(Wish("python", spec("tiny-model{version}", admits=">=1"), asked="==7"))
    text = str(refused.value)
    assert re.match(r"the environment of python 7 cannot be built: .*tiny-model==7", text)
    assert [line.strip().partition(":")[0] for line in text.splitlines()[1:]] == ["try"]


def test_what_is_never_used_is_deleted_and_the_caches_files_are_not(built, wheels, monkeypatch, tmp_path):
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "kept"))
    files = {"big/__init__.py": "", "big/gpu/a.so": "a" * 1000, "big/gpu/b.so": "b" * 500, "big/x_gpu.so": "c" * 10}
    make_wheel(wheels, "big", "1.0", files)
    wish = Wish("python", spec("big", prune=("big/gpu", "big/*_gpu.so", "big/no-such-file")))
    packages = place(built, wish)
    assert sorted(path.name for path in (packages / "big").iterdir()) == ["__init__.py"]
    assert built.about(wish.key)["pruned_bytes"] == 1510
    whole = Wish("python", spec("big"))
    assert (place(built, whole) / "big/gpu/a.so").read_text() == "a" * 1000
    assert built.about(whole.key)["bytes"] - built.about(wish.key)["bytes"] > 1000
    built.verify(wish.key, content=True)


def test_it_is_checked_after_the_pruning(built, wheels, monkeypatch):
    left = []
    monkeypatch.setattr(building, "check", lambda folder, *_: left.extend(folder.rglob("tiny_model.py")))
    built.obtain(Wish("python", spec("tiny-model", prune=("tiny_model.py",))))
    assert left == []


def test_what_is_known_of_an_environment_is_kept_with_it(built, wheels):
    found = about(built, Wish("python", spec("tiny-model")))
    assert found["python_version"] == platform.python_version()
    assert found["seconds"] > 0
    assert found["bytes"] == built.size(next(built.all())[0]) - len(json.dumps(found, indent=1))


def test_the_progress_tells_how_long_it_takes(built, wheels, monkeypatch):
    monkeypatch.setattr(installing, "_SHOW_SECONDS", 0.01)
    built.obtain(Wish("python", spec("tiny-model")))
    assert [line for line in built.said if re.fullmatch(r"building .* python 3: installing \(\d+ s\)", line)]


def test_an_installer_that_never_ends_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(installing, "_SHOW_SECONDS", 0.01)
    monkeypatch.setattr(installing, "_SECONDS", 0.05)
    endless = tmp_path / "uv"
    endless.write_text("#!/bin/sh\nexec sleep 300\n")
    endless.chmod(0o755)
    monkeypatch.setattr(installing, "find_uv", lambda: str(endless))
    with pytest.raises(InstallError, match="was ended after"):
        install(Plan(tmp_path / "env", sys.executable, ["tiny-model"]))


@pytest.mark.parametrize(
    ("said", "kind", "hint"),
    [
        ("error: failed to write: No space left on device (os error 28)", "disk", "mlms env remove"),
        ("error: Request failed\n  cause: Failed to fetch: `x`", "network", "network"),
        ("error: something else", "other", "requirements"),
    ],
)
def test_an_installer_that_fails_is_quoted_with_what_helps(built, wheels, monkeypatch, tmp_path, said, kind, hint):
    broken = tmp_path / "uv"
    broken.write_text(f"#!/bin/sh\ncat >&2 <<'END'\n{said}\nEND\nexit 2\n")
    broken.chmod(0o755)
    monkeypatch.setattr(installing, "find_uv", lambda: str(broken))
    with pytest.raises(EnvironmentUnavailable, match="cannot be built") as refused:
        built.obtain(Wish("python", spec("tiny-model")))
    assert said.splitlines()[-1].strip() in refused.value.got
    assert hint in refused.value.hint
    assert InstallError(said).kind == kind


def test_a_network_that_is_really_not_there_is_known_as_such(tmp_path, monkeypatch, wheels):
    monkeypatch.delenv("UV_NO_INDEX")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_EXTRA_INDEX_URL", "")
    with pytest.raises(InstallError) as failed:
        install(Plan(tmp_path / "env", sys.executable, ["not-among-the-wheels"]))
    assert failed.value.kind == "network"


def test_a_network_that_is_not_there_is_not_tried_with_every_interpreter(built, wheels, monkeypatch):
    tried = []

    def no_network(plan, tick):
        tried.append(plan.python)
        raise InstallError("error: Failed to fetch: `x`")

    monkeypatch.setattr(building, "install", no_network)
    with pytest.raises(EnvironmentUnavailable):
        built.obtain(Wish("python", spec("tiny-model", python=">=3.6", attempts=(Attempt(), Attempt(("b",))))))
    assert tried == [sys.executable] * 2


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "envs").write_text("a file where a folder should be")
    with pytest.raises(EnvironmentUnavailable, match="cannot be used") as refused:
        BuiltEnvironments(tmp_path, False, print).obtain(Wish("python", spec("tiny-model")))
    assert "MLMS_CACHE" in refused.value.hint


BUILDER = """
import sys
from pathlib import Path
from pytest_mlmodelscope.agent import install as installing
from pytest_mlmodelscope.agent.built import BuiltEnvironments
from pytest_mlmodelscope.agent.wish import Wish
from pytest_mlmodelscope.core.framework import EnvironmentSpec
root, slow, python = sys.argv[1:]
installing.find_uv = lambda: slow
spec = EnvironmentSpec("3", python, ("tiny-model",))
BuiltEnvironments(Path(root), False, lambda text: None).obtain(Wish("python", spec))
"""


def wait_for(path):
    for _ in range(1500):
        if path.exists():
            return
        time.sleep(0.02)
    raise AssertionError(f"{path} does not appear")


@pytest.fixture
def slow_uv(tmp_path):
    """An installer that says when it begins, and goes on when it may."""
    from pytest_mlmodelscope.agent.interpreters import find_uv

    script = tmp_path / "slow-uv"
    script.write_text(
        textwrap.dedent(
            f"""\
            #!/bin/sh
            {find_uv()} "$@" || exit
            [ "$1" = venv ] && exit
            touch {tmp_path}/begun
            while [ ! -e {tmp_path}/go-on ]; do sleep 0.02; done
            touch {tmp_path}/ended
            """
        )
    )
    script.chmod(0o755)
    return script


def test_a_build_that_is_killed_leaves_nothing_that_is_taken_for_complete(built, wheels, slow_uv, tmp_path):
    wish = Wish("python", spec("tiny-model"))
    command = [sys.executable, "-c", BUILDER, str(tmp_path), str(slow_uv), wish.spec.python]
    killed = subprocess.Popen(command)
    wait_for(tmp_path / "begun")
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    assert list(built.all()) == []
    assert built.incomplete() == [wish.key]
    # Its installer still writes there, so the next build has to wait for it.
    waiting = subprocess.Popen(command)
    time.sleep(0.5)
    assert built.incomplete() == [wish.key]
    assert not (tmp_path / "ended").exists()
    (tmp_path / "go-on").touch()
    assert waiting.wait(60) == 0
    assert (tmp_path / "ended").exists()
    assert [key for key, _ in built.all()] == [wish.key]
    assert built.incomplete() == []


def test_a_build_that_is_interrupted_leaves_nothing(built, wheels, monkeypatch):
    wish = Wish("python", spec("tiny-model"))

    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(building, "check", interrupted)
    with pytest.raises(KeyboardInterrupt):
        built.obtain(wish)
    assert built.incomplete() == []


def test_what_is_incomplete_can_be_removed_and_is_not_verified(built):
    key = "python-3-0123456789abcdef"
    (built.folder(key) / "lib").mkdir(parents=True)
    with pytest.raises(EnvironmentUnavailable, match="was not built to its end"):
        built.verify(key)
    built.remove(key)
    assert built.incomplete() == []


@pytest.mark.parametrize("minor", [6, 7, 8])
def test_old_pythons_get_environments_as_well(tmp_path, wheels, minor):
    python = next(fitting(f">=3.{minor},<3.{minor + 1}"))
    install(Plan(tmp_path / "env", str(python.path), ["tiny-model"]))
    code = "import sys, tiny_model; print(sys.version_info[1], tiny_model.VERSION)"
    told = subprocess.run([interpreter(tmp_path / "env"), "-I", "-c", code], stdout=subprocess.PIPE)
    assert told.stdout == f"{minor} 2.0\n".encode()


def test_the_pip_of_an_old_python_is_replaced_by_the_last_that_it_can_run(tmp_path, monkeypatch):
    """With the real index: the pip that comes with Python 3.6 cannot read what it offers today."""
    monkeypatch.setattr(installing, "find_uv", lambda: None)
    install(Plan(tmp_path / "env", str(next(fitting(">=3.6,<3.7")).path), ["six"]))
    told = subprocess.run([interpreter(tmp_path / "env"), "-m", "pip", "--version"], stdout=subprocess.PIPE)
    assert told.stdout.startswith(b"pip 21.3.1 ")
