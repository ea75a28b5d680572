"""Assets made by the script of a recipe: what is kept, and what is said when it goes wrong."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import platform
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from pytest_mlmodelscope.agent.environment import Environment
from pytest_mlmodelscope.agent.limits import Limits
from pytest_mlmodelscope.agent.recipe import Recipes
from pytest_mlmodelscope.core.errors import AssetError, ChecksumError, DocumentError
from pytest_mlmodelscope.manifest.cache import Cache
from pytest_mlmodelscope.manifest.fetch import Fetcher
from pytest_mlmodelscope.manifest.load import load_model

DOUBLE = """\
import sys

makes, files = sys.argv[1], dict(text.split("=", 1) for text in sys.argv[2:])
with open(files["words"]) as source, open(makes, "w") as made:
    made.write(2 * source.read())
"""


class _ThisPython:
    """The environments of a test: a worker like any other, in this Python."""

    def __init__(self):
        self.asked = []

    def obtain(self, use):
        self.asked.append(use)
        return Environment(Path(sys.executable), "test", "python", platform.python_version(), "host")


class Project:
    """A manifest with one asset at a path and one with a recipe, and the scripts beside it."""

    def __init__(self, root):
        self.root, self.folder = root, root / "manifests" / "models"
        self.folder.mkdir(parents=True)
        self.environments, self.limits = _ThisPython(), Limits(fit_s=60)
        self.file("words.txt", "ab")

    def file(self, name, text):
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(dedent(text))
        return path

    def manifest(self, content=b"abab", more="", **recipe):
        always = {"script": "double.py", "framework": "python", "from": "{words: words}", "makes": "twice.txt"}
        recipe = {**always, **recipe}
        listed = "\n".join(f"      {key}: {value}" for key, value in recipe.items())
        self.file(
            "net.yml",
            f"""\
schema: model/1
name: net
version: "1"
task: toy
license: MIT
description: A network.
assets:
  words: {{path: words.txt, sha256: {_sha(b"ab")}, size: 2, license: MIT}}
  twice:
    recipe:
{listed}
    sha256: {_sha(content)}
    size: {len(content)}
    license: MIT
{more}
frameworks:
  python: {{entry: "net:f", assets: {{code: twice}}}}
""",
        )
        return load_model(self.folder / "net.yml").assets

    def fetch(self, asset):
        recipes = Recipes(self.environments, self.limits)
        return Fetcher(Cache(self.root / "cache"), make=recipes).fetch(asset)

    def refusal(self, script, content=b"abab", **recipe):
        self.file("double.py", script)
        with pytest.raises(AssetError) as caught:
            self.fetch(self.manifest(content, **recipe)["twice"])
        return caught.value


def _sha(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


def test_a_script_makes_an_asset_of_another(project):
    project.file("double.py", DOUBLE)
    assert project.fetch(project.manifest()["twice"]).read_bytes() == b"abab"


def test_what_was_made_is_kept_and_the_script_is_not_run_again(project):
    script = project.file("double.py", DOUBLE)
    asset = project.manifest()["twice"]
    first = project.fetch(asset)
    script.unlink()
    assert project.fetch(asset) == first


def test_a_recipe_may_be_made_of_what_another_makes(project):
    project.file("double.py", DOUBLE)
    more = f"""\
  fourfold:
    recipe: {{script: double.py, framework: python, from: {{words: twice}}, makes: x}}
    sha256: {_sha(b"abababab")}
    size: 8
    license: MIT
"""
    assert project.fetch(project.manifest(more=more)["fourfold"]).read_bytes() == b"abababab"


def test_modules_beside_the_script_can_be_imported(project):
    project.file("parts/shared.py", "WORD = 'abab'")
    project.file("parts/make.py", "import shared, sys\nopen(sys.argv[1], 'w').write(shared.WORD)")
    assert project.fetch(project.manifest(script="parts/make.py")["twice"]).read_bytes() == b"abab"


def test_a_folder_is_kept_as_a_tree(project):
    project.file(
        "double.py",
        """\
        import os
        os.makedirs("twice.txt/deep")
        open("twice.txt/a", "w").write("1")
        open("twice.txt/deep/b", "w").write("")
        """,
    )
    listing = f"{_sha(b'1')}  a\n{_sha(b'')}  deep/b\n".encode()
    asset = project.manifest(listing)["twice"]
    made = project.fetch(dataclasses.replace(asset, tree="**", size=1))
    assert sorted(path.relative_to(made).as_posix() for path in made.rglob("*")) == ["a", "deep", "deep/b"]


def test_the_script_runs_in_a_process_of_its_own_in_an_empty_folder(project):
    error = project.refusal("import os; raise SystemExit('%d %s' % (os.getpid(), os.listdir('.')))")
    assert "[]" in str(error)
    assert f"ended with {os.getpid()} " not in str(error)


def test_the_environment_is_the_one_that_the_recipe_names(project):
    project.file("double.py", DOUBLE)
    project.fetch(project.manifest(version='">=3"', packages="[six==1.17.0]")["twice"])
    (use,) = project.environments.asked
    assert (use.name, use.version, use.packages) == ("python", ">=3", ("six==1.17.0",))


def test_other_bytes_are_refused_and_not_kept(project):
    error = project.refusal(DOUBLE, content=b"abba")
    assert isinstance(error, ChecksumError)
    assert not list((project.root / "cache" / "objects").rglob("*"))


def test_a_script_that_makes_nothing_is_told_with_what_it_left(project):
    error = project.refusal("open('other.txt', 'w')")
    assert "cannot be made with double.py" in str(error)
    assert "made no twice.txt, but other.txt" in str(error)


def test_a_script_that_fails_is_told_with_its_last_lines(project):
    error = project.refusal("print('reading the weights'); raise ValueError('seven layers')")
    assert "seven layers" in str(error)
    assert error.where.endswith("net.yml:9")


@pytest.mark.parametrize(("status", "fails"), [(0, False), (3, True)])
def test_the_exit_status_counts(project, status, fails):
    script = DOUBLE + f"made.close(); sys.exit({status})\n"
    if fails:
        assert "ended with 3" in str(project.refusal(script))
    else:
        project.file("double.py", script)
        assert project.fetch(project.manifest()["twice"]).read_bytes() == b"abab"


def test_a_script_that_dies_costs_only_itself(project):
    assert "SIGKILL" in str(project.refusal("import os; os.kill(os.getpid(), 9)"))


def test_an_endless_script_is_ended(project):
    project.limits = Limits(fit_s=1)
    assert "did not answer" in str(project.refusal("import time; time.sleep(3600)"))


def test_a_link_is_not_followed(project):
    assert "made a link" in str(project.refusal("import os; os.symlink('/etc/hostname', 'twice.txt')"))


def test_a_folder_where_a_file_is_wanted_is_refused(project):
    error = project.refusal("import os; os.mkdir('twice.txt'); open('twice.txt/a', 'w').write('b')")
    assert 'add `tree: "**"`' in str(error)


def test_a_script_outside_of_the_manifest_s_folder_is_not_run(project):
    outside = project.root / "outside.py"
    outside.write_text(DOUBLE)
    (project.folder / "double.py").symlink_to(outside)
    with pytest.raises(AssetError, match="leads out of the manifest's folder"):
        project.fetch(project.manifest()["twice"])
    assert not project.environments.asked


def test_a_script_that_is_not_there_is_told_with_the_nearest(project):
    project.file("duoble.py", DOUBLE)
    with pytest.raises(AssetError, match=r"there is no double.py") as caught:
        project.fetch(project.manifest()["twice"])
    assert "duoble.py" in str(caught.value)


def test_without_anyone_to_run_it_a_recipe_is_refused(project):
    with pytest.raises(AssetError, match="none is run here"):
        Fetcher(Cache(project.root / "cache")).fetch(project.manifest()["twice"])


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ({"framework": "pyton"}, 'did you mean "python"'),
        ({"from": "{words: wrods}"}, 'did you mean "words"'),
        ({"from": "{words: twice}"}, "goes round in circles"),
        ({"script": "../double.py"}, "must not lead elsewhere"),
        ({"script": "/double.py"}, "must not lead elsewhere"),
        ({"script": "double.sh"}, "in assets.twice.recipe.script"),
        ({"makes": "../x"}, "in assets.twice.recipe.makes"),
        ({"makes": "a/../../x"}, "must not lead elsewhere"),
        ({"packages": "[six]"}, "in assets.twice.recipe.packages"),
        ({"makes": "x\n    path: words.txt\n    url: https://example.org/x"}, "exactly one of"),
        ({"makes": "x\n    file: words.txt"}, '"file" is for packages'),
        ({"makes": "x\n    tree: '*.txt'"}, "kept as it is"),
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused_where_it_stands(project, recipe, message):
    with pytest.raises(DocumentError) as caught:
        project.manifest(**recipe)
    assert message in str(caught.value)
    assert "net.yml:" in str(caught.value)


def test_an_asset_at_a_path_may_say_by_which_recipe_it_was_made(project):
    asset = project.manifest(makes="x\n    path: words.txt", script="gone.py")["twice"]
    assert asset.recipe is not None
    with pytest.raises(ChecksumError):  # the file is looked at, the script is not
        project.fetch(asset)


def test_a_script_sees_neither_the_home_folder_nor_the_network_and_writes_nowhere_else(project):
    """Where the machine can confine a worker, a stranger's script is confined as a stranger's model is."""
    secret = project.root / "secret.txt"
    secret.write_text("mine")
    outside = project.root / "written.txt"
    script = f"""
import socket, sys
said = []
def attempt(what):
    try:
        what()
        return "could"
    except OSError:
        return "refused"
said.append(attempt(lambda: open({str(secret)!r}).read()))
said.append(attempt(lambda: open({str(outside)!r}, "w").write("x")))
said.append(attempt(lambda: socket.create_connection(("127.0.0.1", 9), 1)))
raise SystemExit(" ".join(said))
"""
    project.limits = Limits(fit_s=60, isolation="required")
    assert "refused refused refused" in str(project.refusal(script))
    assert not outside.exists()
