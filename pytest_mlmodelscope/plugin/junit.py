"""Verdicts in JUnit's XML, within its schema.

The xunit2 family, pytest's default, has properties of a suite but none of a test case: there each
verdict is a property of the suite, named by its case. In the older family it stands in its test case.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

_FIELDS = (
    *("verdict", "reason", "claim", "model", "dataset", "framework", "target"),
    *("metric", "unit", "published", "measured", "n"),
)


def of_case(config: pytest.Config, record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What goes into the test case itself; nothing where its schema has no place for it."""
    if config.getini("junit_family") == "xunit2":
        return []
    return [(f"mlms.{name}", text) for name, text in _details(record)]


def add_to_suite(config: pytest.Config, records: Iterable[Mapping[str, Any]]) -> None:
    """Add the verdicts to the suite, just before the file is written."""
    # pytest offers this to fixtures only, which do not run in the process that writes the file.
    from _pytest.junitxml import xml_key

    xml = config.stash.get(xml_key, None)
    if xml is None or config.getini("junit_family") != "xunit2":
        return
    for record in records:
        for name, text in _details(record):
            xml.add_global_property(f"mlms.{record['id']}.{name}", text)


def _details(record: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    interval = record["interval"] or {}
    found = {name: record[name] for name in _FIELDS}
    found["interval_low"], found["interval_high"] = interval.get("low"), interval.get("high")
    found["baseline"] = record["baseline"]["status"]
    return [(name, str(value)) for name, value in found.items() if value is not None]
