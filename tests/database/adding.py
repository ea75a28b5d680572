"""Adds made-up records to a database, one in each transaction, and says after each whether it was new.

``adding.py DATABASE COUNT forwards|backwards``
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from fill import records

from pytest_mlmodelscope.store.database import Database
from pytest_mlmodelscope.store.runs import add

made = list(records(int(sys.argv[2])))
with Database(sys.argv[1]) as database:
    for record in made if sys.argv[3] == "forwards" else reversed(made):
        with database.writing() as session:
            added = add(session, record)
        sys.stdout.write(f"{added.digest} {'new' if added.new else 'there'}\n")
        sys.stdout.flush()
