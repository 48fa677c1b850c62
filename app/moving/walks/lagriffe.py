"""La Griffe: campaigns of a customer group, each with its detail and its metrics.

The list is documented without pages. Asked again with each store's beacon key it also shows what a cut list left out.
"""

from app.moving.walks.steps import Step, Walk

_GIVES = {"campaign": "id", "beacon": "external_beacon_key"}

LAGRIFFE = Walk(
    system="lagriffe",
    bases=("/api",),
    key_header="X-API-KEY",
    steps=(
        Step(path="/customer-groups", rows="data"),
        Step(path="/campaigns", rows="data", gives=_GIVES),
        Step(path="/campaigns", headers={"X-BEACON-KEY": "{beacon}"}, rows="data", gives=_GIVES),
        Step(path="/campaigns/{campaign:id}", stamp=("updated_at", "data.updated_at"), files="data.assets[]"),
        # Figures change without the campaign, so they are asked for every time.
        Step(path="/campaigns/{campaign:id}/metrics"),
        Step(
            path="/campaigns/{campaign:id}/metrics",
            headers={"X-BEACON-KEY": "{beacon}"},
            compared_only=True,
            most=10,
        ),
    ),
)
