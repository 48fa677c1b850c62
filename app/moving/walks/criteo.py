"""Criteo: a search by POST, which reads, and each campaign by its id.

The search is documented without pages. Asked for each advertiser it also shows what a cut list left out.
"""

from app.moving.walks.steps import Step, Walk

_SEARCH = "/campaigns/search"
_GIVES = {"campaign": "id", "advertiser": "attributes.advertiserId"}

CRITEO = Walk(
    system="criteo",
    bases=("/preview/marketing-solutions",),
    steps=(
        Step(method="POST", path=_SEARCH, body={"filters": {}}, rows="data", gives=_GIVES),
        Step(
            method="POST",
            path=_SEARCH,
            body={"filters": {"advertiserIds": ["{advertiser}"]}},
            rows="data",
            gives=_GIVES,
        ),
        Step(
            method="POST",
            path=_SEARCH,
            body={"filters": {"campaignIds": ["{campaign}"]}},
            compared_only=True,
            most=25,
        ),
        # The same as its row in the list.
        Step(path="/campaigns/{campaign:campaign_id}", compared_only=True),
    ),
)
