"""The environment, read once into one frozen object."""

import contextlib
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

MIB = 1024 * 1024
GIB = 1024 * MIB
MIN_JWT_SECRET_BYTES = 32
SHORT_JWT_SECRET = (
    f"JWT_SECRET is too short: HS256 needs {MIN_JWT_SECRET_BYTES} bytes or more"
    " (RFC 7518, section 3.2); unset it to have one made."
)
ASSETS_SCHEMES = ("s3", "gs", "az", "file")


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator chose. Every field names its environment variable; `None` means "unset"."""

    data_dir: Path
    """DATA_DIR: where the embedded database, assets and generated secrets live."""
    database_url: str | None
    """DATABASE_URL: a PostgreSQL DSN; unset means the embedded server."""
    database_read_url: str | None
    """DATABASE_READ_URL: a replica for reads sent with `Prefer: stale-ok`; all others ask the primary."""
    database_migrate_url: str | None
    """DATABASE_MIGRATE_URL: the owner's DSN for migrations; unset means DATABASE_URL."""
    read_rls: bool
    """READ_RLS=1: planned reads run behind the row-level policies as well."""
    planner: bool
    """PLANNER=0: every operation runs on the resolvers (for comparison and diagnosis)."""
    secret_key: str = field(repr=False)
    """SECRET_KEY: signs asset URLs, encrypts stored secrets; random per DATA_DIR when unset."""
    cors_origins: tuple[str, ...]
    """CORS_ORIGINS: browser origins allowed, separated by commas."""
    trusted_proxies: str
    """FORWARDED_ALLOW_IPS: proxies whose X-Forwarded-* headers are believed, separated by commas."""
    host: str
    port: int
    workers: int
    development: bool
    """DEVELOPMENT=1 (set by `make run`): suggestions in errors, plans in `extensions`."""
    jwt_secret: str = field(repr=False)
    """JWT_SECRET: the HS256 secret of tokens we issue; random per DATA_DIR when unset."""
    jwt_jwks_url: str | None
    """JWT_JWKS_URL: where an outside issuer publishes its keys; only with JWT_ISSUER and JWT_AUDIENCE."""
    jwt_issuer: str | None
    jwt_audience: str | None
    jwt_platform_roles: bool
    """JWT_PLATFORM_ROLES=1: that issuer's tokens may hold platform roles, which enter any customer group."""
    jwt_group_claim: str
    jwt_roles_claim: str
    metrics_token: str | None = field(repr=False)
    """METRICS_TOKEN: opens `/metrics`, as a bearer token; unset: closed, in development open to this machine."""
    assets_url: str | None
    """ASSETS_URL: an obstore URL (s3://, gs://, az://, file://); unset means a folder under DATA_DIR."""
    max_in_flight: int
    """MAX_IN_FLIGHT: requests worked on at once per process, of those who are known; more are answered 503."""
    max_strangers: int
    """MAX_STRANGERS: the same of those who are not, on each of the open routes; more are answered 503."""
    statement_timeout_ms: int
    """STATEMENT_TIMEOUT_MS: how long one SQL statement may run."""
    request_timeout_ms: int
    """REQUEST_TIMEOUT_MS: how long an operation may run as a whole; uploads and streams have their own bounds."""
    budget: str
    """BUDGET: `off`, `measure`, `warn` or `enforce` what a credential's operations may cost together."""
    budget_per_s: int
    """BUDGET_PER_S: how much that is a second, in values and rows."""
    budget_burst: int
    """BUDGET_BURST: how much may be saved up."""
    replica_max_lag_ms: int
    """REPLICA_MAX_LAG_MS: how far the replica may lag behind; the primary answers in its place where it does more."""
    max_answer_bytes: int
    """MAX_ANSWER_BYTES: how large an answer may be; a larger one is refused."""
    file_quota: int
    """FILE_QUOTA: how many bytes the files of a group may take, unless the group has a quota of its own."""
    import_max_bytes: int
    """IMPORT_MAX_BYTES: how large a file may be that is sent to be imported; 500 MiB at most."""
    event_quota: int
    """EVENT_QUOTA: the same of its events."""
    worker_inline: bool
    """WORKER_INLINE=0: `serve` runs no background work (use `gateway worker` beside it)."""
    event_queue: int
    """EVENT_QUEUE: how many events may wait to be stored, per process; more are answered 503."""
    event_queue_bytes: int
    """EVENT_QUEUE_BYTES: how large they may be together."""
    event_rate: int
    """EVENT_RATE: events a second that a project's trackers may send, per process; more are answered 429."""
    event_rate_bytes: int
    """EVENT_RATE_BYTES: how many bytes of them a second."""


def data_folder(environ: Mapping[str, str] | None = None) -> Path:
    """DATA_DIR, whether or not it is there."""
    env = os.environ if environ is None else environ
    return Path(env.get("DATA_DIR") or ".data").absolute()


def missing_database(environ: Mapping[str, str] | None = None) -> str | None:
    """Why there is no database, and what makes one; None: one is named, or was made in DATA_DIR."""
    env = os.environ if environ is None else environ
    folder = data_folder(env)
    if env.get("DATABASE_URL") or (folder / "postgres" / "PG_VERSION").exists():
        return None
    return (
        f"There is no database: DATABASE_URL is not set, and {folder} (DATA_DIR) has none. `gateway migrate` makes one"
        " there, and so do `gateway serve` and `gateway seed`."
    )


def read_settings(environ: Mapping[str, str] | None = None, *, makes_secrets: bool = True) -> Settings:
    """Read the environment; makes DATA_DIR and its secrets where they are needed and missing.

    Without `makes_secrets` it only looks: what is missing is empty.
    """
    env = os.environ if environ is None else environ
    data_dir = data_folder(env)
    if env.get("JWT_JWKS_URL") and not (env.get("JWT_ISSUER") and env.get("JWT_AUDIENCE")):
        raise SystemExit(
            "JWT_JWKS_URL needs JWT_ISSUER and JWT_AUDIENCE beside it: without them any token that is signed with a"
            " key from there would hold, whoever it was made by and for."
        )
    return Settings(
        data_dir=data_dir,
        database_url=_dsn(env, "DATABASE_URL"),
        database_read_url=_dsn(env, "DATABASE_READ_URL"),
        database_migrate_url=_dsn(env, "DATABASE_MIGRATE_URL"),
        read_rls=_flag(env, "READ_RLS", default=False),
        planner=_flag(env, "PLANNER", default=True),
        secret_key=env.get("SECRET_KEY") or _kept_secret(data_dir, "secret_key", makes=makes_secrets),
        # An origin has no path, but people often copy it with a slash.
        cors_origins=tuple(
            part.strip().rstrip("/") for part in env.get("CORS_ORIGINS", "").split(",") if part.strip()
        ),
        trusted_proxies=env.get("FORWARDED_ALLOW_IPS", "127.0.0.1,::1"),
        host=env.get("HOST") or "127.0.0.1",
        port=_whole(env, "PORT", 8000, most=65_535),
        workers=_whole(env, "WORKERS", 1),
        development=_flag(env, "DEVELOPMENT", default=False),
        jwt_secret=_jwt_secret(env, data_dir, makes=makes_secrets),
        jwt_jwks_url=env.get("JWT_JWKS_URL") or None,
        jwt_issuer=env.get("JWT_ISSUER") or None,
        jwt_audience=env.get("JWT_AUDIENCE") or None,
        jwt_platform_roles=_flag(env, "JWT_PLATFORM_ROLES", default=False),
        jwt_group_claim=env.get("JWT_GROUP_CLAIM") or "group",
        jwt_roles_claim=env.get("JWT_ROLES_CLAIM") or "roles",
        metrics_token=env.get("METRICS_TOKEN") or None,
        assets_url=_assets_url(env),
        max_in_flight=_whole(env, "MAX_IN_FLIGHT", 256),
        max_strangers=_whole(env, "MAX_STRANGERS", 128),
        statement_timeout_ms=_whole(env, "STATEMENT_TIMEOUT_MS", 15_000),
        request_timeout_ms=_whole(env, "REQUEST_TIMEOUT_MS", 30_000),
        budget=_one_of(env, "BUDGET", ("measure", "off", "warn", "enforce")),
        budget_per_s=_whole(env, "BUDGET_PER_S", 200_000),
        budget_burst=_whole(env, "BUDGET_BURST", 5_000_000),
        replica_max_lag_ms=_whole(env, "REPLICA_MAX_LAG_MS", 5_000),
        max_answer_bytes=_whole(env, "MAX_ANSWER_BYTES", 32 * MIB),
        file_quota=_whole(env, "FILE_QUOTA", 10 * GIB, most=2**53 - 1),
        import_max_bytes=_whole(env, "IMPORT_MAX_BYTES", 256 * MIB, most=500 * MIB),
        event_quota=_whole(env, "EVENT_QUOTA", 100 * GIB, most=2**53 - 1),
        worker_inline=_flag(env, "WORKER_INLINE", default=True),
        event_queue=_whole(env, "EVENT_QUEUE", 10_000),
        event_queue_bytes=_whole(env, "EVENT_QUEUE_BYTES", 64 * MIB),
        event_rate=_whole(env, "EVENT_RATE", 1_000),
        event_rate_bytes=_whole(env, "EVENT_RATE_BYTES", 2 * MIB),
    )


def _flag(env: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = env.get(name, "").strip().lower()
    if not text:
        return default
    if text in {"1", "true", "yes", "on"}:
        return True
    if text in {"0", "false", "no", "off"}:
        return False
    raise SystemExit(f"{name}={env[name]!r} is not understood: use 1 or 0.")


def _whole(env: Mapping[str, str], name: str, default: int, *, most: int = 2**31 - 1) -> int:
    text = env.get(name) or str(default)
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= most:
        raise SystemExit(f"{name}={text!r} is not understood: use a whole number from 1 to {most}.")
    return int(text)


def _one_of(env: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    """The first one unless something else is chosen."""
    text = env.get(name, "").strip().lower() or choices[0]
    if text not in choices:
        raise SystemExit(f"{name}={env[name]!r} is not understood: use one of {', '.join(choices)}.")
    return text


def _dsn(env: Mapping[str, str], name: str) -> str | None:
    text = env.get(name) or None
    if text is not None and not text.startswith(("postgresql://", "postgres://")):
        raise SystemExit(f"{name} is not understood: use postgresql://user:password@host/database.")
    if text is not None and not _is_read_by_drivers(text):
        # Without quoting it: where a password was not encoded, any part of the address may be some of it.
        raise SystemExit(
            f"{name} is not understood: use postgresql://user:password@host:5432/database, with ports from 1 to 65535,"
            " and : / ? # [ ] @ % of a password percent-encoded (%23 is #)."
        )
    return text


def _is_read_by_drivers(dsn: str) -> bool:
    """Whether the address has parts as asyncpg takes it apart; it raises all sorts of things where it has not."""
    try:
        parts = urlsplit(dsn)
        query = parse_qs(parts.query, strict_parsing=True) if parts.query else {}
    except ValueError:
        return False
    before, at, hosts = parts.netloc.partition("@")
    named = [hosts if at else before, *query.get("host", ())]
    ports = [port for some in query.get("port", ()) for port in some.split(",")]
    return (
        "@" not in hosts
        and not parts.fragment
        and all(_is_host(host) for some in named if some for host in some.split(","))
        and all(_is_port(port) for port in ports)
    )


def _is_host(text: str) -> bool:
    """A name or an address, `[…]` for one of IPv6, or a socket's folder; with a port or without."""
    if text.startswith("/"):
        return True
    if text.startswith("["):
        address, bracket, rest = text.partition("]")
        return len(address) > 1 and bool(bracket) and (not rest or (rest[0] == ":" and _is_port(rest[1:])))
    _, colon, port = text.partition(":")
    return bool(text) and (not colon or not port or _is_port(unquote(port)))


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= 65_535


def _jwt_secret(env: Mapping[str, str], data_dir: Path, *, makes: bool) -> str:
    text = env.get("JWT_SECRET")
    if text and len(text.encode(errors="surrogateescape")) < MIN_JWT_SECRET_BYTES:
        raise SystemExit(SHORT_JWT_SECRET)
    return text or _kept_secret(data_dir, "jwt_secret", makes=makes)


def _assets_url(env: Mapping[str, str]) -> str | None:
    text = env.get("ASSETS_URL") or None
    if text is None:
        return None
    scheme, separator, place = text.partition("://")
    if not separator or scheme not in ASSETS_SCHEMES or not place.strip("/"):
        raise SystemExit(
            f"ASSETS_URL={text!r:.200} is not understood: use s3://bucket, gs://bucket, az://container or file:///folder."
        )
    if scheme == "file" and not place.startswith("/"):
        raise SystemExit(
            f"ASSETS_URL={text!r:.200} is not understood: use file:///folder, with three slashes."
        )
    return text


def _kept_secret(data_dir: Path, name: str, *, makes: bool) -> str:
    """A random secret made once per DATA_DIR, readable by the owner alone."""
    folder = data_dir / "secrets"
    file = folder / name
    if not makes:
        return file.read_text() if file.exists() else ""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not file.exists():
        # Written under another name and then linked, so that no process ever reads half a secret.
        draft = folder / f"{name}.{secrets.token_hex(8)}"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as new:
            new.write(secrets.token_urlsafe(48))
        with contextlib.suppress(FileExistsError):
            os.link(draft, file)
        draft.unlink()
    return file.read_text()
