"""Answers kept for requests that carry an Idempotency-Key."""

from datetime import datetime

from sqlalchemy import BigInteger, LargeBinary, Text, text
from sqlmodel import Field, SQLModel

from app.tables.base import INSTANT, WORDS, of_group


class IdempotentAnswer(SQLModel, table=True):
    """The answer to a write that carried an `Idempotency-Key`; a repeat gets it again."""

    __tablename__ = "idempotent_answer"
    __table_args__ = (of_group(),)
    group_id: int = Field(sa_type=BigInteger, primary_key=True)
    key: str = Field(sa_type=WORDS, primary_key=True)
    principal: str | None = Field(default=None, sa_type=Text)
    """To whom it was given, as the log names them; null in those of earlier versions, which are given to nobody."""
    request_hash: bytes = Field(sa_type=LargeBinary)
    status: int | None = Field(default=None)
    """Null: a version that claimed keys beforehand never came to an end with this one; nothing rests on it."""
    answer: bytes | None = Field(default=None, sa_type=LargeBinary)
    """Null: it showed a secret, and is not kept."""
    made: str | None = Field(default=None, sa_type=Text)
    """The ids of what was made then."""
    created_at: datetime = Field(
        default=None, sa_type=INSTANT, nullable=False, sa_column_kwargs={"server_default": text("now()")}
    )
