"""What Alembic runs: the migrations, in the transaction of the connection that it was given."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from pytest_mlmodelscope.store.tables import Base, Moment


def _written(kind: str, value: Any, autogenerating: AutogenContext) -> str | Literal[False]:  # noqa: ARG001
    """How a draft writes a type: a migration imports none of our tables, which go on changing."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(value, Moment) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    # SQLite can change a table only by making it anew.
    render_as_batch=True,
    render_item=_written,
)
context.run_migrations()
