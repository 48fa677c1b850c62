"""Lists of customers."""

from app.auth.principal import PERSONAL_READERS
from app.graph.declaring.described import input_type
from app.graph.declaring.listing import contains_text, decimal_key, filter_by, list_of, one_of, text_key
from app.graph.lists.conditions import CREATED_AT
from app.plan.sql import sql


@input_type
class CustomerFilter:
    """Which customers. All conditions given must hold."""

    search: str | None = filter_by(
        "Part of the name, e-mail or phone.", contains_text("name", "email", "phone"), roles=PERSONAL_READERS
    )
    external_ids: list[str] | None = filter_by(
        "With any of these ids in the system they were imported from.",
        one_of("external_id", "text"),
        roles=PERSONAL_READERS,
    )
    emails: list[str] | None = filter_by(
        "With any of these addresses, upper or lower case.",
        lambda row, args, path: sql(
            "{row.email_key} = ANY (ARRAY(SELECT lower(x) FROM unnest({value}) x))",
            row=row,
            value=args.param(*path, cast="text[]"),
        ),
        roles=PERSONAL_READERS,
    )
    loyalty_tiers: list[str] | None = filter_by("In any of these tiers.", one_of("loyalty_tier", "text"))
    tags: list[str] | None = filter_by(
        "With any of these tags.",
        lambda row, args, path: sql("{row.tags} && {value}", row=row, value=args.param(*path, cast="text[]")),
    )


CUSTOMERS = list_of(
    "Customer", CustomerFilter, "CREATED_AT", descending=True,
    name=(text_key("name", roles=PERSONAL_READERS), "By name, by code point."), created_at=CREATED_AT,
    total_spent=(decimal_key("total_spent"), "By what they spent."),
)  # fmt: skip
