"""Options and settings: each can be given on the command line or in pytest's configuration."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest


@dataclass(frozen=True, slots=True)
class Option:
    """One option ``--mlms-NAME`` with its setting ``mlms_NAME``."""

    name: str
    help: str
    kind: Literal["flag", "text", "list"] = "text"
    metavar: str = ""

    @property
    def setting(self) -> str:
        """Its name in ``pyproject.toml`` and as an attribute."""
        return f"mlms_{self.name}".replace("-", "_") if self.name else "mlms"

    @property
    def flag(self) -> str:
        """Its name on the command line."""
        return f"--mlms-{self.name}" if self.name else "--mlms"


OPTIONS = (
    Option("", "verify published claims (default: those in claims/)", "flag"),
    Option("framework", "only these frameworks, such as pytorch or pytorch>=2", "list", "NAME"),
    Option("target", "only these targets, such as cpu, gpu or ssh://USER@HOST", "list", "NAME"),
    Option(
        "evidence",
        "full (default); sample:N, the most items of a dataset; sequential[:ERROR], as many as decide",
        "text",
        "HOW",
    ),
    Option("require", "fail where this target, framework or 'all' is not applicable here", "list", "NAME"),
    Option("strict", "fail where the evidence is inconclusive", "flag"),
    Option("record", "write what is measured to baselines/<target>/", "flag"),
    Option(
        "against",
        "time cases side by side with this framework or version, and fail where they are slower",
        "text",
        "WHAT",
    ),
    Option("aa", "time cases side by side with themselves: what the gate for slowdowns is worth here", "flag"),
    Option("margin", "per cent within which two sides are equivalent (default: 5)", "text", "PERCENT"),
    Option("json", "write the benchmark JSON to this file", "text", "FILE"),
    Option("history", "also write the benchmark JSON into this folder, under a name of its own", "text", "DIR"),
    Option("store", "the database in which this run is kept (default: one in the cache), or off", "text", "WHERE"),
    Option("offline", "never use the network", "flag"),
    Option("why", "seconds to look for what explains a refuted figure (default: 30), or off", "text", "HOW"),
    Option("claims", "where claims are when no path is given (default: claims)", "list", "PATH"),
    Option("manifests", "more folders with models/ and datasets/", "list", "PATH"),
    Option("baselines", "where baselines are kept (default: baselines)", "text", "PATH"),
    Option("known", "files of accepted verdicts (default: known.yml beside the claims)", "list", "FILE"),
    Option("cache", "where fetched files and environments are kept", "text", "PATH"),
    Option("timeout", "seconds that a worker may take for one answer (default: 120)", "text", "SECONDS"),
    Option("memory", "gigabytes that a worker may allocate (default: four fifths of the machine's)", "text", "GB"),
    Option("disturbed", "repeat (default), mark or ignore: what becomes of a disturbed timed run", "text", "HOW"),
    Option("pin", "auto (default) or off: whether timed workers get cores of their own", "text", "HOW"),
    Option("isolation", "best (default), required or off: how a worker is kept from network and files", "text", "HOW"),
)
_BY_NAME = {option.name: option for option in OPTIONS}


def add_options(parser: pytest.Parser) -> None:
    """Declare every option twice: for the command line and as a setting."""
    group = parser.getgroup("mlms", "published claims (pytest-mlmodelscope)")
    for option in OPTIONS:
        how: dict[str, Any] = {"dest": option.setting, "default": None, "help": option.help}
        if option.kind == "flag":
            group.addoption(option.flag, action="store_true", **how)
            parser.addini(option.setting, option.help, type="bool", default=False)
        elif option.kind == "list":
            group.addoption(option.flag, action="append", metavar=option.metavar, **how)
            parser.addini(option.setting, option.help, type="args", default=[])
        else:
            group.addoption(option.flag, metavar=option.metavar, **how)
            parser.addini(option.setting, option.help, default=None)


def value(config: pytest.Config, name: str) -> Any:
    """What was given for an option: on the command line, else in the configuration."""
    option = _BY_NAME[name]
    given = config.getoption(option.setting)
    found = config.getini(option.setting) if given is None else given
    if option.kind == "list":
        return [part for text in found for part in str(text).split(",") if part]
    return found or None


def path_value(config: pytest.Config, name: str, default: str | None = None) -> Path | None:
    """``value`` as a path: of the command line from the working directory, of the configuration
    from pytest's root.
    """
    option = _BY_NAME[name]
    given = config.getoption(option.setting)
    if given is not None:
        return config.invocation_params.dir / str(given)
    found = config.getini(option.setting) or default
    return config.rootpath / str(found) if found else None


def activate(config: pytest.Config) -> None:
    """Register the session's plugin with ``--mlms``; refuse the other options without it."""
    if value(config, ""):
        from pytest_mlmodelscope.plugin.session import start

        start(config)
        return
    for option in OPTIONS[1:]:
        if config.getoption(option.setting) is not None:
            raise pytest.UsageError(f"{option.flag} does nothing without --mlms")
