"""Assets: client files."""

from app.graph.declaring.elsewhere import ExternalId, ShownAs, external_ids, shown_as
from app.graph.declaring.fields import column, computed, entity, to_one
from app.graph.declaring.nodes import Node
from app.graph.declaring.refs import CampaignRef, StoreRef
from app.graph.declaring.scalars import DateTime, Long
from app.plan.catalog import Row, own, via
from app.plan.sql import Sql, bound, sql
from app.tables import assets as tables


def _link(name: str, cast: str) -> Sql:
    return bound(("link", name), cast, lambda b: getattr(b.facts.links(), name))


def _signed_link(row: Row) -> Sql:
    return signed_path(sql("'/assets/' || {row.id}", row=row), sql("{row.id}::text", row=row))


def signed_path(path: Sql, name: Sql) -> Sql:
    """A link to a file: HMAC-SHA256 of its name, from PostgreSQL's own sha256 (see `Links`)."""
    inner = sql("sha256({inner} || convert_to({name}, 'UTF8'))", inner=_link("inner", "bytea"), name=name)
    return sql(
        """
        {base_url} || {path} || '?group=' || {group} || '&expires=' || {expires}
        || '&signature=' || translate(encode(sha256({outer} || {inner}), 'base64'), '+/=', '-_')
        """,
        base_url=_link("base_url", "text"),
        path=path,
        group=_link("group_id", "bigint"),
        expires=_link("expires", "bigint"),
        outer=_link("outer", "bytea"),
        inner=inner,
    )


@entity(
    table=tables.Asset,
    prefix="asset",
    store=own("store_id"),
    project=via("campaign_id", "Campaign"),
    alive="deleted_at IS NULL",
)
class Asset(Node):
    """A client file: an image, a brief, a document."""

    external_ids: list[ExternalId] = external_ids()
    shown_as: ShownAs = shown_as("asset")
    name: str = column("The file's name.")
    content_type: str = column("Its media type.")
    size: Long = column("Its size in bytes.")
    sha256: str = column("The SHA-256 of its bytes, in hexadecimal.")
    created_at: DateTime = column("When it was uploaded.")
    store: StoreRef = to_one("The store it belongs to.", "store_id")
    campaign: CampaignRef | None = to_one("The campaign it belongs to.", "campaign_id")
    url: str = computed("A link to the file, signed and good for an hour.", _signed_link)
