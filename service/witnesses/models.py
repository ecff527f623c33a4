"""The table of cosignatures. One that was given is never changed or taken back."""

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, ForeignKey, ForeignKeyConstraint, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from service.database import Base
from service.identity.models import Agency, AgencyKey
from service.ledger.models import LogCheckpoint


class LogCosignature(Base):
    """The line by which an agency's witness cosigned a checkpoint, the first that came: further keys add none."""

    __tablename__ = "log_cosignature"
    __table_args__ = (ForeignKeyConstraint(["log", "size"], [LogCheckpoint.log, LogCheckpoint.size]),)

    log: Mapped[str] = mapped_column(Text, primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    agency: Mapped[str] = mapped_column(ForeignKey(Agency.code), primary_key=True)
    kid: Mapped[str] = mapped_column(ForeignKey(AgencyKey.kid))
    line: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
