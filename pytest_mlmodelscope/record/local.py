"""The store of this machine: where every run lands, unless it was switched off."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pytest_mlmodelscope.core.errors import MlmsError, UsageError

#: In the environment: another database, or ``off``.
VARIABLE: Final = "MLMS_STORE"
_OFF: Final = "off"


@dataclass(frozen=True, slots=True)
class Landed:
    """What became of a run's record: its ``digest`` in the database ``where``, or ``why`` it is not there."""

    where: str
    digest: str = ""
    why: str = ""

    def __str__(self) -> str:
        """A sentence for a person."""
        if self.why:
            return f"WARNING: this run is not in {self.where}: {self.why}"
        return f"kept as {self.digest[:12]}: mlms record show {self.digest[:12]}"


def place(cache: Path, given: str | Path | None = None) -> str | Path | None:
    """The database: as given, else as ``MLMS_STORE`` says, else below the cache's root; None when it is off."""
    said = given or os.environ.get(VARIABLE)
    if said is None or said == "":
        return cache / "results.sqlite"
    return None if said == _OFF else said


def needed(cache: Path, given: str | Path | None = None, option: str = "--store") -> str | Path:
    """``place`` where there has to be one; ``option`` is how a user names another.

    Raises:
        UsageError: it is off.
    """
    found = place(cache, given)
    if found is None:
        raise UsageError(
            "the store of results is off", where=VARIABLE, hint=f"unset {VARIABLE}, or name a database with {option}"
        )
    return found


def keep(record: Mapping[str, Any], where: str | Path | None) -> Landed | None:
    """Put the record of a run into the database ``where`` (None: nowhere, and None comes back).

    A run has what it was for, whether its record can be kept or not: what goes wrong is said and never raised.
    """
    if where is None:
        return None
    from sqlalchemy.exc import SQLAlchemyError

    from pytest_mlmodelscope.store.database import Database
    from pytest_mlmodelscope.store.runs import add

    try:
        with Database(where) as database, database.writing() as session:
            return Landed(str(where), digest=add(session, record).digest)
    except MlmsError as error:
        return Landed(str(where), why="; ".join(line.strip() for line in str(error).splitlines()))
    except (SQLAlchemyError, OSError) as error:
        return Landed(str(where), why=str(getattr(error, "orig", None) or error).partition("\n")[0])
