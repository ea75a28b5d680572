"""The tables of all that is kept of runs: on SQLite for one person, on PostgreSQL for a hub.

A record is kept whole, as the bytes that were signed, and each of its cases once more as a row that can be
asked for. ``current`` holds for every case on every kind of machine the newest of those rows, so that the
matrix of a hub with years of results is read without looking at them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

#: Characters of a name; what is longer is refused before it gets here.
NAME: Final = 255
#: Hexadecimal digits of a SHA-256.
DIGEST: Final = 64
#: SQLite numbers only rows of this very type by itself.
_NUMBER: Final = BigInteger().with_variant(Integer, "sqlite")
#: Names that migrations can rest on, on every database.
_NAMES: Final = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Moment(TypeDecorator[datetime]):
    """A moment in UTC, which SQLite keeps without saying so."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """To the database: always in UTC."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """From the database: always with a time zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """What all tables share. Whoever changes one writes a migration (``store/migrations``)."""

    metadata = MetaData(naming_convention=_NAMES)
    type_annotation_map: ClassVar[dict[Any, Any]] = {float: Double}


class Record(Base):
    """One run as it was written. ``digest`` is the SHA-256 of its canonical JSON (RFC 8785), so that the same record
    has the same name everywhere; ``document`` is that JSON, compressed. ``key`` signed it, and ``signature`` is the
    seal of its envelope (JSON); a run of this very machine needs none.
    """

    __tablename__ = "records"

    digest: Mapped[str] = mapped_column(String(DIGEST), primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment, index=True)
    received: Mapped[datetime] = mapped_column(Moment)
    machine_class: Mapped[str] = mapped_column(String(NAME), index=True)
    machine: Mapped[dict[str, Any]] = mapped_column(JSON)
    key: Mapped[str | None] = mapped_column(ForeignKey("keys.fingerprint"))
    signature: Mapped[str | None] = mapped_column(Text)
    document: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    results: Mapped[list[Result]] = relationship(back_populates="record", cascade="all, delete-orphan")


class Result(Base):
    """One case of a record. Figures are in ``unit``, latencies of single queries and ``seconds`` in seconds;
    ``low`` and ``high`` bound ``measured``. ``machine_class`` is where the case itself ran, which may be another
    machine than the one that wrote the record.
    """

    __tablename__ = "results"
    __table_args__ = (
        UniqueConstraint("record_digest", "case"),
        Index("ix_results_of_case", "case", "machine_class", "at"),
        Index("ix_results_of_model", "model", "at"),
        Index("ix_results_of_claim", "claim", "at"),
        # A number is never given twice: a greater one is of a result that was numbered later.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(_NUMBER, primary_key=True)
    record_digest: Mapped[str] = mapped_column(ForeignKey("records.digest", ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(Moment)
    case: Mapped[str] = mapped_column(String(NAME))
    claim: Mapped[str] = mapped_column(String(NAME))
    model: Mapped[str] = mapped_column(String(NAME))
    dataset: Mapped[str | None] = mapped_column(String(NAME))
    framework: Mapped[str] = mapped_column(String(NAME))
    version: Mapped[str | None] = mapped_column(String(NAME))
    target: Mapped[str] = mapped_column(String(NAME))
    machine_class: Mapped[str] = mapped_column(String(NAME))
    metric: Mapped[str] = mapped_column(String(NAME))
    unit: Mapped[str | None] = mapped_column(String(NAME))
    published: Mapped[float | None]
    measured: Mapped[float | None]
    low: Mapped[float | None]
    high: Mapped[float | None]
    n: Mapped[int] = mapped_column(BigInteger)
    verdict: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(Text)
    p50_s: Mapped[float | None]
    p90_s: Mapped[float | None]
    p99_s: Mapped[float | None]
    seconds: Mapped[float]
    record: Mapped[Record] = relationship(back_populates="results")


class Current(Base):
    """The newest result of a case on a kind of machine: a cell of the matrix. Of two that were measured at the same
    moment it is that of the greater digest, so that it is the same in whatever order they came.
    """

    __tablename__ = "current"

    case: Mapped[str] = mapped_column(String(NAME), primary_key=True)
    machine_class: Mapped[str] = mapped_column(String(NAME), primary_key=True)
    result_id: Mapped[int] = mapped_column(_NUMBER, ForeignKey("results.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime] = mapped_column(Moment)
    record_digest: Mapped[str] = mapped_column(String(DIGEST))
    result: Mapped[Result] = relationship()


class Change(Base):
    """How often something was changed: ``results`` are the only ones that are counted. The count changes in the
    transaction that changes what it counts, so whoever reads it sees both or neither. The greatest number of a result
    says less: a transaction may be given its numbers first and end last.
    """

    __tablename__ = "changes"

    what: Mapped[str] = mapped_column(String(NAME), primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)


class Key(Base):
    """Whose signature a hub takes: an Ed25519 public key (PEM), named by the SHA-256 of its raw bytes."""

    __tablename__ = "keys"

    fingerprint: Mapped[str] = mapped_column(String(DIGEST), primary_key=True)
    public: Mapped[str] = mapped_column(Text)
    owner: Mapped[str] = mapped_column(String(NAME))
    created: Mapped[datetime] = mapped_column(Moment)
    revoked: Mapped[datetime | None] = mapped_column(Moment)


class Token(Base):
    """Who may write to a hub, and what. Only the SHA-256 of a token is kept; ``scopes`` has blanks between."""

    __tablename__ = "tokens"

    digest: Mapped[str] = mapped_column(String(DIGEST), primary_key=True)
    owner: Mapped[str] = mapped_column(String(NAME), index=True)
    scopes: Mapped[str] = mapped_column(Text)
    created: Mapped[datetime] = mapped_column(Moment)
    expires: Mapped[datetime | None] = mapped_column(Moment)
    revoked: Mapped[datetime | None] = mapped_column(Moment)


class Job(Base):
    """What somebody asked a hub to do: ``predict`` or ``verify``. ``state`` is queued, running, finished, failed or
    cancelled; ``progress`` is a share from 0 to 1. A worker that runs it says so until ``lease``, after which
    another one may take it. ``version`` counts its changes; ``unwanted`` asks the worker to let go of it. Jobs are
    taken by ``turn``, which keeps one ``asker`` (an owner or an address, forgotten when the job ends) from having all
    of the queue.
    """

    __tablename__ = "jobs"
    __table_args__ = (Index("ix_jobs_waiting", "state", "turn", "created"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    request: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(String(20))
    progress: Mapped[float] = mapped_column(default=0.0)
    message: Mapped[str] = mapped_column(Text, default="")
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    created: Mapped[datetime] = mapped_column(Moment)
    started: Mapped[datetime | None] = mapped_column(Moment)
    finished: Mapped[datetime | None] = mapped_column(Moment)
    worker: Mapped[str | None] = mapped_column(String(NAME))
    lease: Mapped[datetime | None] = mapped_column(Moment)
    attempts: Mapped[int] = mapped_column(default=0)
    version: Mapped[int] = mapped_column(default=1)
    unwanted: Mapped[bool] = mapped_column(default=False)
    owner: Mapped[str | None] = mapped_column(String(NAME), index=True)
    asker: Mapped[str | None] = mapped_column(String(NAME))
    turn: Mapped[int] = mapped_column(default=0, server_default="0")
