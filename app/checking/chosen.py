"""What the operator chose in the environment: secrets, outside issuers, proxies, origins."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from ipaddress import ip_network
from urllib.parse import urlsplit

from app.auth.jwks import KeySet
from app.checking.findings import Finding, fine, wrong
from app.errors import Unavailable
from app.settings import MIN_JWT_SECRET_BYTES, Settings

MIN_SECRET_BYTES = 32
MAKE_ONE = "`openssl rand -base64 48` makes one"


def look_at_choices(env: Mapping[str, str], settings: Settings) -> Iterator[Finding]:
    """Secrets, issuer, proxies and origins."""
    yield _secret_key(env, settings)
    yield _jwt_secret(env, settings)
    yield _proxies(settings)
    if env.get("PUBLIC_URL"):
        yield wrong(
            "PUBLIC_URL",
            "It is set, and this version does not read it: addresses are made of the Host header, and of"
            " X-Forwarded-Proto where a proxy in FORWARDED_ALLOW_IPS sends it.",
        )
    yield from _origins(settings)
    if settings.development:
        said = "On: for one's own machine. Logins that go past the policies are taken, and errors say more."
        is_own = settings.host in ("127.0.0.1", "::1", "localhost")
        yield Finding(
            "DEVELOPMENT", is_own, said if is_own else f"{said} HOST is {settings.host}: unset one."
        )


async def look_at_issuer(settings: Settings) -> Finding:
    """The outside issuer of tokens, and whether its keys can be read."""
    if settings.jwt_jwks_url is None:
        return fine("JWT_JWKS_URL", "Not set: only tokens of our own are taken.")
    told = f"Tokens of {settings.jwt_issuer} for {settings.jwt_audience} are taken"
    if settings.jwt_platform_roles:
        told += ", with platform roles, which enter any customer group (JWT_PLATFORM_ROLES)"
    try:
        scheme = urlsplit(settings.jwt_jwks_url).scheme
    except ValueError as problem:
        return wrong("JWT_JWKS_URL", f"{settings.jwt_jwks_url!r:.80} is no address: {problem}.")
    if scheme != "https" and not settings.development:
        return wrong(
            "JWT_JWKS_URL", f"{told}; but the keys come over plain HTTP, where anybody may change them."
        )
    try:
        await KeySet(settings.jwt_jwks_url).find(None, now=datetime.now(UTC))
    except Unavailable:
        return wrong("JWT_JWKS_URL", f"{told}; but the keys cannot be read from this host now.")
    return fine("JWT_JWKS_URL", f"{told}; the keys can be read.")


def _secret_key(env: Mapping[str, str], settings: Settings) -> Finding:
    text = env.get("SECRET_KEY")
    if not text:
        return _made_by_us(
            "SECRET_KEY", settings, "webhook secrets cannot be opened and links to files not followed"
        )
    length = len(text.encode(errors="surrogateescape"))
    if length < MIN_SECRET_BYTES:
        return wrong(
            "SECRET_KEY",
            f"It has {length} bytes, which can be guessed: at least {MIN_SECRET_BYTES}; {MAKE_ONE}.",
        )
    return fine("SECRET_KEY", f"Set, {length} bytes.")


def _jwt_secret(env: Mapping[str, str], settings: Settings) -> Finding:
    text = env.get("JWT_SECRET")
    if not text:
        return _made_by_us("JWT_SECRET", settings, "tokens of ours do not hold")
    # A shorter one is refused with the settings.
    return fine("JWT_SECRET", f"Set, {MIN_JWT_SECRET_BYTES} bytes or more.")


def _made_by_us(name: str, settings: Settings, otherwise: str) -> Finding:
    kept = f"Not set: a random one under {settings.data_dir / 'secrets'}"
    if settings.database_url is None or settings.development:
        return fine(name, f"{kept}, which belongs to the data beside it.")
    return wrong(
        name,
        f"{kept}. With a database of its own (DATABASE_URL), {otherwise} on another host or after that folder is lost:"
        f" set it; {MAKE_ONE}.",
    )


def _proxies(settings: Settings) -> Finding:
    name, listed = "FORWARDED_ALLOW_IPS", [one.strip() for one in settings.trusted_proxies.split(",")]
    named = [one for one in listed if one]
    if "*" in named:
        return wrong(
            name,
            "It is *: whoever connects is believed to be whom it says. Name the addresses of the proxies.",
        )
    for one in named:
        try:
            ip_network(one, strict=False)
        except ValueError:
            return wrong(name, f"{one!r:.80} is neither an address nor a network like 10.0.0.0/8.")
    if not named:
        return fine(name, "Empty: no proxy is believed.")
    return fine(name, f"Proxies at {', '.join(named)} are believed.")


def _origins(settings: Settings) -> Iterator[Finding]:
    for origin in settings.cors_origins:
        if not _is_origin(origin):
            yield wrong("CORS_ORIGINS", f"{origin!r:.80} is no origin like https://app.example.com.")
            return
    shown = ", ".join(settings.cors_origins) or "none: browsers may call from our own pages alone"
    yield fine("CORS_ORIGINS", f"Origins allowed: {shown}.")


def _is_origin(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return text == "*" or (parts.scheme in ("http", "https") and bool(parts.netloc) and not parts.path)
