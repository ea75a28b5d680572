"""Which mechanism is taken, and what is said where none holds."""

import sys
from pathlib import Path

import pytest

from pytest_mlmodelscope.agent import confinement
from pytest_mlmodelscope.agent.confinement import Held, best
from pytest_mlmodelscope.agent.environment import Environment
from pytest_mlmodelscope.agent.limits import ISOLATION, Limits
from pytest_mlmodelscope.agent.view import view
from pytest_mlmodelscope.core.errors import EnvironmentUnavailable
from pytest_mlmodelscope.plugin.settings import one_of
from pytest_mlmodelscope.plugin.terminal import in_reach


@pytest.fixture
def ladder(monkeypatch):
    """Gives each mechanism something to hold, or a reason why it does not work."""

    def give(**held):
        def probed(mechanism):
            if isinstance(held[mechanism], str):
                raise PermissionError(held[mechanism])
            return Held(mechanism, *held[mechanism])

        monkeypatch.setattr(confinement, "probed", probed)
        monkeypatch.setattr(confinement, "LADDER", dict.fromkeys(held))
        confinement._climbed.cache_clear()

    yield give
    confinement._climbed.cache_clear()


def test_this_machine_isolates_and_the_best_that_works_is_taken(held):
    confinement._climbed.cache_clear()
    assert best("required").mechanism in ("bubblewrap", "namespaces")
    assert best("best").whole
    assert best("off").mechanism == "limits"


def test_the_first_that_holds_everything_is_taken(ladder):
    ladder(bubblewrap="forbidden", namespaces=("own view", "host"), landlock=("own view", "none"), limits=())
    assert (best("best").mechanism, best("required").mechanism) == ("landlock", "landlock")


def test_where_none_does_the_one_that_holds_most_is_taken_and_a_demand_is_refused(ladder):
    ladder(bubblewrap="forbidden", namespaces="not here", landlock=("own view", "host"), limits=())
    assert best("best").mechanism == "landlock"
    with pytest.raises(EnvironmentUnavailable, match="a worker cannot be isolated on this machine") as refused:
        best("required")
    assert "network: host (bubblewrap: forbidden; namespaces: not here)" in refused.value.got


def test_where_nothing_works_the_limits_are_left(ladder):
    ladder(bubblewrap="no", namespaces="no", landlock="no", limits=())
    assert best("best").mechanism == "limits"
    assert len(best("best").missing) == 3


def test_the_summary_says_once_what_was_in_reach():
    def case(held):
        return {"software": {"isolation": confinement.record(held, Limits())}}

    open_ = Held("limits", missing=("bubblewrap: bwrap is not installed",))
    (line,) = in_reach([{"software": {}}, case(open_), case(open_), case(Held("namespaces", "own view", "none"))])
    assert line.startswith("models could reach your files and the network: bubblewrap: bwrap is not installed.")
    assert list(in_reach([case(Held("namespaces", "own view", "none"))])) == []


def test_a_choice_that_is_none_is_a_usage_error(pytestconfig, monkeypatch):
    assert one_of(pytestconfig, "isolation", ISOLATION) == "best"
    monkeypatch.setattr(pytestconfig.option, "mlms_isolation", "strict")
    with pytest.raises(pytest.UsageError, match="--mlms-isolation: expected best, required, off, got 'strict'"):
        one_of(pytestconfig, "isolation", ISOLATION)


def test_a_path_that_shows_the_home_folder_is_left_out(monkeypatch, tmp_path):
    home, library = tmp_path / "home", tmp_path / "library"
    home.mkdir()
    library.mkdir()
    (tmp_path / "link").symlink_to(library)
    monkeypatch.setenv("HOME", str(home))
    host = Environment(Path(sys.executable), "host", "python", "", "host")
    variables = {"LD_LIBRARY_PATH": f"{home}:{tmp_path}:{tmp_path}/link"}
    seen = view(host, [], "cpu", variables)
    assert str(library) in seen.read
    assert seen.links[f"{tmp_path}/link"] == str(library)
    assert not {str(home), str(tmp_path)} & set(seen.read)
