"""The pytest plugin. Everything but its options is imported only when ``--mlms`` is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and their settings in ``pyproject.toml`` or ``pytest.ini``."""
    from pytest_mlmodelscope.plugin.options import add_options

    add_options(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Make the plugin's own hooks known."""
    from pytest_mlmodelscope.plugin import newhooks

    pluginmanager.add_hookspecs(newhooks)


def pytest_configure(config: pytest.Config) -> None:
    """Start the real plugin when the run is to verify claims."""
    from pytest_mlmodelscope.plugin.options import activate

    activate(config)
