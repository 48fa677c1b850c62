"""Marketing & CRM: campaigns, segments, webhook providers, funnels, promo codes."""

from app.moving.walks.steps import Pages, Step, Walk

_PAGES = Pages(by="page", size=100)
_STATUSES = ("draft", "scheduled", "active", "paused", "completed")
_TYPES = ("onboarding", "reengagement", "promotion", "newsletter", "transactional", "loyalty")
_FUNNELS = ("onboarding", "purchase", "retention")
_CAMPAIGN = {"campaign": "id"}

CRM = Walk(
    system="crm",
    bases=("/api/v1/marketing", "/v1/commerce/marketing"),
    steps=(
        Step(path="/campaigns", rows="data", gives=_CAMPAIGN, pages=_PAGES),
        # The list prints four figures, the detail all ten, the segment and what is said.
        Step(path="/campaigns/{campaign:campaign_id}"),
        Step(path="/segments", rows="data", pages=_PAGES),
        Step(path="/webhooks"),
        *(Step(path="/funnels", query={"funnel_type": one}) for one in _FUNNELS),
        *(
            Step(
                path="/funnels",
                query={"funnel_type": one, "start_date": "{year_ago}", "end_date": "{today}"},
            )
            for one in _FUNNELS
        ),
        Step(path="/promos", rows="data", pages=_PAGES),
        # As documented, without pages.
        *(Step(path=path, compared_only=True) for path in ("/campaigns", "/segments", "/promos")),
        Step(path="/campaigns", query={"page": "2", "limit": "3"}, compared_only=True),
        Step(path="/campaigns", query={"start_date": "{month_ago}", "limit": "100"}, compared_only=True),
        *(
            Step(path="/campaigns", query={"status": one, "limit": "100"}, compared_only=True)
            for one in _STATUSES
        ),
        *(Step(path="/campaigns", query={"type": one, "limit": "100"}, compared_only=True) for one in _TYPES),
    ),
)
