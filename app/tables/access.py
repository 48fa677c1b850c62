"""Credentials: API keys and clients of the token endpoint."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Identity,
    Index,
    LargeBinary,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from app.tables.base import CODE, INSTANT, WORDS, of_group, one_of


class ApiKey(SQLModel, table=True):
    """An API key. Only its SHA-256 is stored; `hint` is its first characters, to tell keys apart."""

    __tablename__ = "api_key"
    __table_args__ = (
        of_group(),
        one_of("access", ["read", "write"]),
        CheckConstraint("octet_length(hash) = 32", name="hash_length"),
        CheckConstraint("(previous_hash IS NULL) = (previous_until IS NULL)", name="previous_has_an_end"),
        Index(None, "group_id", "created_at", "id"),
        Index("uq_api_key_hash", "hash", unique=True),
        Index(
            "uq_api_key_previous_hash",
            "previous_hash",
            unique=True,
            postgresql_where=text("previous_hash IS NOT NULL"),
        ),
    )
    id: int = Field(default=None, sa_type=BigInteger, primary_key=True, sa_column_args=[Identity()])
    group_id: int = Field(sa_type=BigInteger)
    """The group it acts in when the request names none."""
    name: str = Field(sa_type=WORDS)
    hint: str = Field(sa_type=CODE)
    hash: bytes = Field(sa_type=LargeBinary)
    access: str = Field(sa_type=CODE)
    personal_data: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    """Whether it is shown what identifies customers."""
    administration: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    """Whether it is shown credentials, connections and the audit trail."""
    created_at: datetime = Field(
        default=None, sa_type=INSTANT, nullable=False, sa_column_kwargs={"server_default": text("now()")}
    )
    expires_at: datetime | None = Field(default=None, sa_type=INSTANT)
    revoked_at: datetime | None = Field(default=None, sa_type=INSTANT)
    store_id: int | None = Field(default=None, sa_type=BigInteger)
    """Set: it sees this store alone."""
    last_used_at: datetime | None = Field(default=None, sa_type=INSTANT)
    """To the minute or so."""
    rotated_at: datetime | None = Field(default=None, sa_type=INSTANT)
    previous_hash: bytes | None = Field(default=None, sa_type=LargeBinary)
    """Of the secret before the last rotation, which holds until `previous_until`."""
    previous_until: datetime | None = Field(default=None, sa_type=INSTANT)


class RevokedToken(SQLModel, table=True):
    """A bearer token of ours that holds no longer, remembered until it would have expired."""

    __tablename__ = "revoked_token"
    __table_args__ = (Index(None, "expires_at", "jti"),)
    jti: str = Field(sa_type=CODE, primary_key=True)
    group_id: int = Field(sa_type=BigInteger, primary_key=True)
    """In which group it was ended: no group ends another's tokens. 0: everywhere, by the operator."""
    expires_at: datetime = Field(sa_type=INSTANT)
    revoked_at: datetime = Field(
        default=None, sa_type=INSTANT, nullable=False, sa_column_kwargs={"server_default": text("now()")}
    )


class ApiKeyGroup(SQLModel, table=True):
    """The other groups an API key belongs to."""

    __tablename__ = "api_key_group"
    __table_args__ = (
        ForeignKeyConstraint(["key_id"], ["api_key.id"], ondelete="CASCADE"),
        of_group(),
    )
    key_id: int = Field(sa_type=BigInteger, primary_key=True)
    group_id: int = Field(sa_type=BigInteger, primary_key=True)


class OAuthClient(SQLModel, table=True):
    """A client of the token endpoint (RFC 6749, client credentials)."""

    __tablename__ = "oauth_client"
    __table_args__ = (of_group(), Index(None, "group_id", "created_at", "id"))
    id: int = Field(default=None, sa_type=BigInteger, primary_key=True, sa_column_args=[Identity()])
    client_id: str = Field(sa_type=CODE, unique=True)
    secret_hash: bytes = Field(sa_type=LargeBinary)
    group_id: int = Field(sa_type=BigInteger)
    store_id: int | None = Field(default=None, sa_type=BigInteger)
    name: str = Field(sa_type=WORDS)
    roles: list[str] = Field(
        default_factory=list, sa_column=Column(ARRAY(Text), nullable=False, server_default="{}")
    )
    created_at: datetime = Field(
        default=None, sa_type=INSTANT, nullable=False, sa_column_kwargs={"server_default": text("now()")}
    )
    revoked_at: datetime | None = Field(default=None, sa_type=INSTANT)
