"""The tables of the logs. They hold salted commitments only: nothing names a record, agency or person."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Index, LargeBinary, SmallInteger, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from service.database import Base


class Log(StrEnum):
    """The three logs: separate trees with separate origins, because their audiences and retention differ."""

    RECORDS = "records"
    GOVERNANCE = "governance"
    ACCESS = "access"


class LogPending(Base):
    """An entry that commits with the thing it attests and waits for its index (transactional outbox)."""

    __tablename__ = "log_pending"
    __table_args__ = (
        CheckConstraint("octet_length(entry) = 32", name="entry"),
        CheckConstraint("log IN ('records', 'governance', 'access')", name="log"),
        Index(None, "log", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    log: Mapped[str] = mapped_column(Text)
    entry: Mapped[bytes] = mapped_column(LargeBinary)
    created: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class LogLeaf(Base):
    """An entry with its place in the tree; indexes are contiguous from 0 in each log."""

    __tablename__ = "log_leaf"
    __table_args__ = (
        CheckConstraint("octet_length(leaf_hash) = 32 AND octet_length(entry) = 32", name="hashes"),
        Index(None, "log", "leaf_hash", unique=True),
    )

    log: Mapped[str] = mapped_column(Text, primary_key=True)
    index: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    leaf_hash: Mapped[bytes] = mapped_column(LargeBinary)
    entry: Mapped[bytes] = mapped_column(LargeBinary)


class LogTile(Base):
    """Up to 256 hashes of one level (C2SP tlog-tiles); it only ever grows."""

    __tablename__ = "log_tile"
    __table_args__ = (CheckConstraint("octet_length(hashes) % 32 = 0 AND octet_length(hashes) <= 8192", name="hashes"),)

    log: Mapped[str] = mapped_column(Text, primary_key=True)
    level: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    n: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    hashes: Mapped[bytes] = mapped_column(LargeBinary)


class LogCheckpoint(Base):
    """A signed tree head: the one thing the service commits itself to."""

    __tablename__ = "log_checkpoint"

    log: Mapped[str] = mapped_column(Text, primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    root: Mapped[bytes] = mapped_column(LargeBinary)
    note: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
