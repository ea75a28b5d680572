"""``mlms lint``: whether claims and manifests are what their schemas say, without running them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pytest_mlmodelscope.cli.console import examples, json_option, print_json
from pytest_mlmodelscope.core.document import shown_path
from pytest_mlmodelscope.core.errors import MlmsError, UsageError, did_you_mean

if TYPE_CHECKING:
    from pytest_mlmodelscope.manifest.load import Catalogue


@click.command(epilog=examples("mlms lint claims manifests", "mlms lint claims/mine.yml --json"))
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--manifests",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="More folders with the models/ and datasets/ that claims name. May be given several times.",
)
@json_option
def lint(paths: Sequence[Path], manifests: Sequence[Path], as_json: bool) -> None:
    """Check the claims, manifests and known files in PATHS (files or folders).

    Exit code 1 when something is wrong.
    """
    found = _Findings(_catalogue(paths, manifests))
    for path in _files(paths):
        found.look_at(path, named=path in paths)
    if as_json:
        print_json({"files": found.files, "problems": [_row(one) for one in found.problems]})
    else:
        for problem in found.problems:
            click.echo(str(problem))
        checked = f"{_counted(found.files, 'file')} checked, {_counted(len(found.problems), 'problem')}"
        click.echo(checked + _skipped(found.skipped))
    if found.problems:
        raise SystemExit(1)


@dataclass
class _Findings:
    catalogue: Catalogue
    files: int = 0
    problems: list[MlmsError] = field(default_factory=list)
    skipped: list[Path] = field(default_factory=list)
    _ids: dict[str, str] = field(default_factory=dict)

    def look_at(self, path: Path, named: bool) -> None:
        """Check one file; one that says nothing of a schema is ours when it was ``named``, or stands
        among claims, where pytest takes it for one.
        """
        kind = _kind(path)
        if kind is None and not named and path.parent.name != "claims":
            self.skipped.append(path)
            return
        self.files += 1
        checks = self._checks()
        if kind not in checks:
            self.problems.append(_unknown_kind(path, kind, list(checks)))
            return
        try:
            checks[kind](path)
        except MlmsError as error:
            self._add(error)

    def _add(self, error: MlmsError) -> None:
        # A broken manifest is reported once, not by each of its claims and by itself.
        if str(error) not in map(str, self.problems):
            self.problems.append(error)

    def _checks(self) -> dict[str, Callable[[Path], None]]:
        return {"claim": self._claims, "model": self._model, "dataset": _dataset, "known": _known}

    def _model(self, path: Path) -> None:
        from pytest_mlmodelscope.manifest.load import load_model, refuse_other_name

        refuse_other_name(load_model(path, self.catalogue.model))

    def _claims(self, path: Path) -> None:
        from pytest_mlmodelscope.claim.load import load_claims

        for claim in load_claims(path):
            at = f"{shown_path(claim.path)}:{claim.line}"
            first = self._ids.setdefault(claim.id, at)
            if first != at:
                self.problems.append(UsageError(f'the id "{claim.id}" is taken', where=at, got=f"also at {first}"))
            self._expand(claim)

    def _expand(self, claim: Any) -> None:
        from pytest_mlmodelscope.claim.expand import expand

        try:
            expand(claim, self.catalogue)
        except MlmsError as error:
            self._add(error)


def _dataset(path: Path) -> None:
    from pytest_mlmodelscope.manifest.load import load_dataset, refuse_other_name

    refuse_other_name(load_dataset(path))


def _known(path: Path) -> None:
    from pytest_mlmodelscope.claim.known import load_known

    load_known(path)


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(one for one in path.rglob("*.y*ml") if one.suffix in {".yml", ".yaml"} and one.is_file())
        elif path.exists():
            yield path
        else:
            raise UsageError("there is no such file or folder", where=path)


def _kind(path: Path) -> str | None:
    """What a file says of itself in its key ``schema``, looking at its start only."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            match = re.search(r"^schema:[ \t]*[\"']?([^\s\"'/#]*)", file.read(65536), re.MULTILINE)
    except OSError:
        return None
    return match[1] if match else None


def _unknown_kind(path: Path, kind: str | None, known: Sequence[str]) -> MlmsError:
    if kind is None:
        return UsageError('does not say what it is: "schema" is missing', where=shown_path(path), hint="mlms schema")
    return UsageError(f'no kind of file is called "{kind}"', where=shown_path(path), hint=did_you_mean(kind, known))


def _catalogue(paths: Sequence[Path], more: Sequence[Path]) -> Catalogue:
    from pytest_mlmodelscope.core.bundled import bundled_root
    from pytest_mlmodelscope.manifest.load import Catalogue

    beside = [parent / "manifests" for path in paths for parent in [path.resolve(), *path.resolve().parents][:3]]
    roots = [*more, *beside, Path("manifests"), bundled_root() / "manifests"]
    return Catalogue([root for root in dict.fromkeys(roots) if root.is_dir()])


def _row(problem: MlmsError) -> dict[str, Any]:
    return {
        "where": problem.where,
        "what": problem.what,
        "expected": None if problem.expected is None else str(problem.expected),
        "got": None if problem.got is None else str(problem.got),
        "hint": problem.hint,
    }


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _skipped(paths: Sequence[Path]) -> str:
    if not paths:
        return ""
    names = ", ".join(path.name for path in paths[:5]) + (", ..." if len(paths) > 5 else "")
    return f"; without `schema:`, so not looked at: {names}"
