"""Hooks that other plugins and ``conftest.py`` files may implement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest


def pytest_mlms_case_finished(item: pytest.Item, record: Mapping[str, Any]) -> None:
    """A case has its verdict; ``record`` is its entry in the benchmark JSON."""
