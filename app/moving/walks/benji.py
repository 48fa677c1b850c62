"""Benji: one list, whose campaigns are complete with their flows and goals.

The document knows neither pages nor filters by name. A host that ignores `offset` or `is_deleted` answers with what is
known already, and the walk ends there.
"""

from app.moving.walks.steps import Pages, Step, Walk

_PAGES = Pages(by="offset", size=500, bare_first=True)
_GIVES = {
    "merchant": "merchant_id",
    "partner": "partner_id",
    "partnership": "partnership_id",
    "kind": "campaign_type",
}

BENJI = Walk(
    system="benji",
    bases=("",),
    steps=(
        Step(path="/campaigns", rows="campaigns", gives=_GIVES, pages=_PAGES),
        Step(path="/campaigns", query={"is_deleted": "1"}, rows="campaigns", pages=_PAGES),
        *(
            Step(path="/campaigns", query={name: f"{{{given}}}"}, compared_only=True, most=25)
            for given, name in (
                ("merchant", "merchant_id"),
                ("partner", "partner_id"),
                ("partnership", "partnership_id"),
                ("kind", "campaign_type"),
            )
        ),
        *(
            Step(path="/campaigns", query={name: value}, compared_only=True)
            for name in ("is_active", "is_template")
            for value in ("0", "1")
        ),
    ),
)
