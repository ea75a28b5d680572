"""What a hub begins with: the store that everything else on the machine uses, and its charts made ready."""

from __future__ import annotations

import subprocess
import sys
from textwrap import dedent

import pytest
from click.testing import CliRunner

from pytest_mlmodelscope.cli.main import cli
from pytest_mlmodelscope.cli.serve import place
from pytest_mlmodelscope.core.errors import UsageError


def test_it_serves_the_store_that_the_machine_uses(tmp_path, monkeypatch):
    monkeypatch.setenv("MLMS_STORE", str(tmp_path / "own.sqlite"))
    assert str(place(None)) == str(tmp_path / "own.sqlite")
    assert str(place(str(tmp_path / "other.sqlite"))) == str(tmp_path / "other.sqlite")
    made = CliRunner().invoke(cli, ["token", "new", "ann", "--scope", "results:write"])
    assert made.exit_code == 0, made.output
    assert (tmp_path / "own.sqlite").exists()


def test_it_serves_none_that_is_off(monkeypatch):
    monkeypatch.setenv("MLMS_STORE", "off")
    with pytest.raises(UsageError, match="MLMS_STORE"):
        place(None)


def test_the_first_reader_waits_for_no_import():
    script = dedent("""\
        import sys
        from pytest_mlmodelscope.hub.warming import warm
        assert "vl_convert" not in sys.modules
        warm().join(120)
        print(sorted({"scipy.stats", "vl_convert"} - set(sys.modules)))
        """)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")
