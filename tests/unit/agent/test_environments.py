"""Which environment a framework gets, and how one comes to be."""

import os
import subprocess
import sys
import textwrap
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest

from pytest_mlmodelscope.agent import environment
from pytest_mlmodelscope.agent import install as installing
from pytest_mlmodelscope.agent.agent import Agent
from pytest_mlmodelscope.agent.built import BuiltEnvironments
from pytest_mlmodelscope.agent.environment import Environment, Environments, satisfied
from pytest_mlmodelscope.agent.install import InstallError, Plan, install, interpreter
from pytest_mlmodelscope.agent.wish import Wish
from pytest_mlmodelscope.core.errors import EnvironmentUnavailable, NotApplicable, UsageError
from pytest_mlmodelscope.core.framework import Attempt, Place, framework_spec
from pytest_mlmodelscope.core.manifest import FrameworkUse

from .conftest import spec

PYTHON = FrameworkUse("python")
ENTRIES = framework_spec("tensorrt").environments


@pytest.fixture
def package(tmp_path):
    """A package in a folder, installed without any network."""
    folder = tmp_path / "tiny-model"
    folder.mkdir()
    (folder / "tiny_model.py").write_text("def shout(text):\n    return text.upper() + '!'\n")
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "tiny-model"\nversion = "1.5"\n'
    )
    (folder / "backend.py").write_text(
        textwrap.dedent(
            """
            import zipfile
            def build_wheel(directory, config_settings=None, metadata_directory=None):
                name = "tiny_model-1.5-py3-none-any.whl"
                about = "tiny_model-1.5.dist-info/"
                with zipfile.ZipFile(directory + "/" + name, "w") as wheel:
                    wheel.write("tiny_model.py")
                    wheel.writestr(about + "METADATA", "Metadata-Version: 2.1\\nName: tiny-model\\nVersion: 1.5\\n")
                    wheel.writestr(about + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
                    wheel.writestr(about + "RECORD", "")
                return name
            """
        )
    )
    return folder


def test_the_hosts_own_environment_is_taken_where_it_fits(tmp_path):
    found = Environments(tmp_path).obtain(FrameworkUse("onnxruntime"))
    assert found.source == "host"
    assert str(found.python) == sys.executable
    assert found.packages["onnxruntime"] == found.version
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("version", "taken"), [("2.11.0+cu130", True), ("2.11.0", True), ("2.11.0+cpu", False)])
def test_what_was_built_for_processors_is_no_environment_for_a_gpu(tmp_path, monkeypatch, version, taken):
    real = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: version if name == "torch" else real(name))
    monkeypatch.setattr(BuiltEnvironments, "obtain", lambda self, wish: pytest.fail("building"))
    environments = Environments(tmp_path)
    assert environments.obtain(FrameworkUse("pytorch")).version == version
    if taken:
        assert environments.obtain(FrameworkUse("pytorch"), place=Place("gpu")).version == version
        assert [found.version for found in environments.all() if found.framework == "pytorch"] == [version]
    else:
        with pytest.raises(pytest.fail.Exception, match="building"):
            environments.obtain(FrameworkUse("pytorch"), place=Place("gpu"))


@pytest.mark.parametrize(
    ("capability", "version"), [("8.9", "1.7.1.116"), ("9.0", "10.14.1.48"), ("10.0", "10.14.1.48"), ("", "1.7.1.116")]
)
def test_a_gpu_gets_an_environment_that_knows_it(tmp_path, monkeypatch, capability, version):
    wishes = []
    monkeypatch.setattr(Environments, "_of_cache", lambda self, wish: wishes.append(wish.spec.version))
    Environments(tmp_path).obtain(FrameworkUse("tensorrt"), place=Place("gpu", "linux-x86_64", capability=capability))
    assert wishes == [version]


def test_a_gpu_that_no_environment_knows_is_not_applicable(tmp_path):
    place = Place("gpu", "linux-x86_64", capability="9.0")
    with pytest.raises(NotApplicable, match="knows a GPU of this compute capability") as refused:
        environment._for_capability("tensorrt", [replace(spec, capabilities=("8.9",)) for spec in ENTRIES], place)
    assert (refused.value.expected, refused.value.got) == ("8.9", "9.0")


def test_packages_count_towards_what_the_host_must_have():
    assert satisfied(["numpy>=1", "packaging"])
    assert satisfied(["numpy>=1", "no-such-distribution==1"]) == {}
    assert satisfied(["numpy<1"]) == {}
    assert satisfied(["numpy", 'no-such-distribution; python_version < "3"'])


@pytest.mark.parametrize("requirement", ["<1", "==99"])
def test_a_version_that_nobody_has_is_refused_with_what_there_is(tmp_path, requirement):
    with pytest.raises(EnvironmentUnavailable, match="no environment of onnxruntime fits") as refused:
        Environments(tmp_path).obtain(FrameworkUse("onnxruntime"), requirement)
    assert refused.value.got
    assert requirement in str(refused.value.expected)


def test_the_manifests_requirement_counts_as_well(tmp_path):
    with pytest.raises(EnvironmentUnavailable):
        Environments(tmp_path).obtain(FrameworkUse("onnxruntime", version="<1"))


def test_a_requirement_that_is_none_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="requirement"):
        Environments(tmp_path).obtain(FrameworkUse("onnxruntime"), "newest")


def test_an_unknown_framework_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="onnxruntme"):
        Environments(tmp_path).obtain(FrameworkUse("onnxruntme"))


def test_an_environment_is_built_once_and_runs_a_package(built, package, tmp_path):
    wish = Wish("python", spec(str(package)))
    folder = built.obtain(wish)
    assert built.obtain(wish) == folder
    told = [line for line in built.said if "installing" not in line]
    assert told == ["building the environment of python 3", "checking the environment of python 3"]
    (key, about) = next(iter(built.all()))
    assert (key, about["packages"]) == (wish.key, {"tiny-model": "1.5"})
    assert built.size(key) > 0


def test_a_worker_in_a_built_environment_does_not_see_the_hosts_packages(built, package, monkeypatch):
    python = interpreter(built.obtain(Wish("python", spec(str(package)))))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    request = {
        "files": {}, "options": {"entry": "tiny_model:shout"}, "threads": 1, "device": "cpu", "precision": "fp32",
        "inputs": [{"name": "text", "dtype": "string"}], "outputs": [{"name": "loud"}],
    }  # fmt: skip
    with Agent(Environment(python, "k", "python", "3", "built")) as agent:
        assert agent.open(request)["libraries"] == {"tiny-model": "1.5"}
        assert agent.predict({"text": ["a", "b"]})[0] == {"loud": ["A!", "B!"]}


def test_a_worker_in_the_hosts_environment_sees_what_the_host_sees(tmp_path, monkeypatch):
    (tmp_path / "on_the_path.py").write_text("def shout(text):\n    return text.upper()\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    request = {
        "files": {}, "options": {"entry": "on_the_path:shout"}, "threads": 1, "device": "cpu", "precision": "fp32",
        "inputs": [{"name": "text", "dtype": "string"}], "outputs": [{"name": "loud"}],
    }  # fmt: skip
    with Agent(Environment(Path(sys.executable), "host", "python", "3", "host")) as agent:
        agent.open(request)
        assert agent.predict({"text": ["a"]})[0] == {"loud": ["A"]}


def test_a_build_that_was_killed_is_not_taken_for_a_finished_one(built, package):
    wish = Wish("python", spec(str(package)))
    folder = built.folder(wish.key)
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to(sys.executable)
    (folder / "half").touch()
    assert built.obtain(wish) == folder
    assert not (folder / "half").exists()


def test_an_environment_whose_interpreter_vanished_is_built_anew(built, package):
    wish = Wish("python", spec(str(package)))
    python = interpreter(built.obtain(wish))
    python.unlink()
    python.symlink_to("/no/such/python")
    assert interpreter(built.obtain(wish)).exists()


def test_an_attempt_that_fails_is_followed_by_the_next(built, package):
    attempts = (Attempt(("/no/such/package",)), Attempt((str(package),)))
    built.obtain(Wish("python", spec("/unused", attempts=attempts)))
    assert next(iter(built.all()))[1]["requirements"] == [str(package)]


def test_when_nothing_works_the_installer_is_quoted_and_nothing_is_left(built):
    wish = Wish("python", spec("/no/such/package"))
    with pytest.raises(EnvironmentUnavailable, match="cannot be built") as refused:
        built.obtain(wish)
    assert "/no/such/package" in refused.value.got
    assert not built.folder(wish.key).exists()


def test_what_cannot_be_built_is_tried_once_in_a_session(tmp_path, monkeypatch):
    tried = []

    def fails(self, wish):
        tried.append(wish.framework)
        raise EnvironmentUnavailable("cannot be built")

    monkeypatch.setattr(BuiltEnvironments, "obtain", fails)
    environments = Environments(tmp_path)
    for name in ("python", "python", "openvino"):
        with pytest.raises(EnvironmentUnavailable, match="cannot be built"):
            environments.obtain(FrameworkUse(name))
    assert tried == ["python", "openvino"]
    with pytest.raises(EnvironmentUnavailable):
        Environments(tmp_path).obtain(PYTHON)
    assert len(tried) == 3


def test_a_python_that_is_nowhere_is_named_with_how_to_get_it(tmp_path):
    offline = BuiltEnvironments(tmp_path, True, lambda text: None)
    with pytest.raises(EnvironmentUnavailable, match=r"wants Python ==2\.0\.\*, and there is none here") as refused:
        offline.obtain(Wish("python", spec("numpy", python="==2.0.*")))
    assert refused.value.hint == "put a Python ==2.0.* on PATH"


def test_a_package_that_cannot_be_imported_is_not_marked_complete(built, package):
    # The environment is complete only when the framework's predictor can be imported in it.
    with pytest.raises(EnvironmentUnavailable) as refused:
        built.obtain(Wish("onnxruntime", spec(str(package))))
    assert "No module named" in refused.value.got


def test_two_sessions_build_one_environment_once(tmp_path, package):
    code = textwrap.dedent(
        f"""
        from pathlib import Path
        from pytest_mlmodelscope.agent.built import BuiltEnvironments
        from pytest_mlmodelscope.agent.wish import Wish
        from pytest_mlmodelscope.core.framework import EnvironmentSpec
        spec = EnvironmentSpec("3", ">=3.11", ({str(package)!r},))
        print(BuiltEnvironments(Path({str(tmp_path)!r}), False, print).obtain(Wish("python", spec)))
        """
    )
    sessions = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [session.communicate(timeout=60)[0].splitlines() for session in sessions]
    assert said[0][-1] == said[1][-1]
    assert sum(line.startswith("building") for lines in said for line in lines) == 1


def test_the_key_changes_with_the_content_and_nothing_else():
    keys = {
        Wish("python", spec("a")).key,
        Wish("python", spec("a"), ("b==1",)).key,
        Wish("python", spec("a"), ("b==2",)).key,
        Wish("python", spec("a", python=">=3.12")).key,
        Wish("python", spec("b")).key,
        Wish("pytorch", spec("a")).key,
    }
    assert len(keys) == 6
    assert Wish("python", spec("a"), ("c==1", "b==1")).key == Wish("python", spec("a"), ("b==1", "c==1")).key


def test_pips_settings_reach_uv(monkeypatch, tmp_path):
    settings = tmp_path / "pip.conf"
    settings.write_text("[global]\nextra-index-url =\n  file:///one\n  file:///two\nfind-links = /wheels\n")
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    monkeypatch.setenv("PIP_INDEX_URL", "file:///main")
    installing._files_of_pip.cache_clear()
    found = installing._settings_of_pip()
    installing._files_of_pip.cache_clear()
    assert found["UV_FIND_LINKS"] == "/wheels"
    assert found["UV_EXTRA_INDEX_URL"] == "file:///one file:///two"
    assert found["UV_DEFAULT_INDEX"] == "file:///main"
    assert found["UV_INDEX_STRATEGY"] == "unsafe-best-match"


def test_uvs_own_settings_have_precedence(monkeypatch):
    monkeypatch.setenv("PIP_FIND_LINKS", "/pips")
    monkeypatch.setenv("UV_FIND_LINKS", "/uvs")
    assert "UV_FIND_LINKS" not in installing._settings_of_pip()


def test_pip_does_it_where_uv_does_not_run(monkeypatch, tmp_path, package):
    monkeypatch.setattr(installing, "find_uv", lambda: None)
    install(Plan(tmp_path / "env", sys.executable, [str(package)]))
    done = subprocess.run([interpreter(tmp_path / "env"), "-I", "-c", "import tiny_model"])
    assert done.returncode == 0


def test_pip_cannot_choose_builds_of_pytorch(monkeypatch, tmp_path):
    monkeypatch.setattr(installing, "find_uv", lambda: None)
    with pytest.raises(InstallError, match="uv does not run"):
        install(Plan(tmp_path / "env", sys.executable, ["torch"], torch_backend="cpu"))
