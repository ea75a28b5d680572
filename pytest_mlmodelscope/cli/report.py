"""``mlms report``: records as one page, or as a comment on a pull request."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from pytest_mlmodelscope.cli.console import examples, json_option, print_json, tell
from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.record.build import read
from pytest_mlmodelscope.record.files import write_text

#: What drawing a page takes, and the extra that has it.
_NEEDS: Final = ("jinja2", "vl_convert")


@click.command(epilog=examples("mlms report now.json --html report.html", "mlms report now.json --markdown comment.md"))
@click.argument("records", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--html", "page", type=click.Path(path_type=Path, dir_okay=False), help="Where to write the page.")
@click.option("--markdown", type=click.Path(path_type=Path, dir_okay=False), help="Where to write the comment.")
@click.option("--title", default="Verified claims", show_default=True, help="What stands above the page.")
@json_option
def report(records: Sequence[Path], page: Path | None, markdown: Path | None, title: str, as_json: bool) -> None:
    """Write the newest of some RECORDS as one page that needs no other file, the others as its past.

    The page has what the hub's pages have: the matrix, each claim with its source, its results and why, charts,
    the machine. The comment is Markdown for a pull request. Without either option the comment is printed.
    """
    from pytest_mlmodelscope.reports._comment import comment

    found = [read(path) for path in records]
    written = {name: str(file) for name, file in (("html", page), ("markdown", markdown)) if file is not None}
    if page is not None:
        _require_extra()
        from pytest_mlmodelscope.hub.report import html

        write_text(html(found, title), page)
    if markdown is not None:
        write_text(comment(found), markdown)
    if not written:
        text = comment(found)
        tell({"comment": text}, [text], as_json)
    elif as_json:
        print_json(written)
    else:
        click.echo("\n".join(f"wrote {file}" for file in written.values()), err=True)


def _require_extra() -> None:
    """Refuse a page where what draws it is missing.

    Raises:
        UsageError: says how it is installed.
    """
    from importlib.util import find_spec

    missing = [name for name in _NEEDS if find_spec(name) is None]
    if missing:
        raise UsageError(
            "a page cannot be drawn here",
            expected=" and ".join(_NEEDS),
            got=f"no {', no '.join(missing)}",
            hint='pip install "pytest-mlmodelscope[report]", or --markdown FILE',
        )
