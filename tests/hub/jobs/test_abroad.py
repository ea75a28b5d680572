"""What is told of a job names no folder of the hub's machine."""

from __future__ import annotations

import pytest

from pytest_mlmodelscope.hub.jobs.abroad import Abroad

ABROAD = Abroad(["/srv/my models/cache", "/"])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("cannot read /srv/my models/cache/models/a.onnx: it is not there", "cannot read .../a.onnx: it is not there"),
        ('File "/usr/lib/python3/site.py", line 3', 'File ".../site.py", line 3'),
        ("(/opt/a/b.py:3)", "(.../b.py:3)"),
        ("file:///etc/ssl/cert.pem", ".../cert.pem"),
        ("/etc/passwd and /srv/a/b", ".../passwd and .../b"),
        ("made of /srv/my models/cache", "made of ..."),
    ],
)
def test_folders_are_left_out(text, told) -> None:
    assert ABROAD.text(text) == told


@pytest.mark.parametrize(
    "text",
    ["https://example.org/a/b/c", "1/2 of a/b/c", "image/png", "./here/it/is", "s3://bucket/a/b", "eld-big-test/test"],
)
def test_what_is_no_path_of_this_machine_stays(text) -> None:
    assert ABROAD.text(text) == text


def test_all_of_a_document_is_looked_through_but_what_a_check_asked() -> None:
    record = {"cases": [{"reason": "no /a/b", "n": 3, "check": {"input": "/a/b/c"}}], "file": "/x/y.yml:11"}
    told = {"cases": [{"reason": "no .../b", "n": 3, "check": {"input": "/a/b/c"}}], "file": ".../y.yml:11"}
    assert ABROAD.all(record) == told
