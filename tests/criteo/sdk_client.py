"""What somebody does with Criteo's own Python SDK, as a program: `sdk_client.py HOST CLIENT_ID CLIENT_SECRET`.

Run by test_sdk.py with one version of the SDK on its path. Prints what came back, as JSON. Answers are taken without
the SDK's check of their types, by its own option: it expects texts where the document prints numbers.
"""

import json
import sys
from typing import Any

import criteo_api_marketingsolutions_preview as sdk
from criteo_api_marketingsolutions_preview import models
from criteo_api_marketingsolutions_preview.api.campaign_api import CampaignApi

UNCHECKED = {"_check_return_type": False}


def model(*names: str) -> Any:
    """The first of these models that this version has."""
    return next(found for name in names if (found := getattr(models, name, None)) is not None)


def client_of(host: str, client_id: str, client_secret: str) -> Any:
    """A client that gets its tokens by itself."""
    configuration = sdk.Configuration(host=host, username=client_id, password=client_secret)
    try:
        from criteo_api_marketingsolutions_preview.criteo_api_client import CriteoApiClient
    except ImportError:
        return sdk.ApiClient(configuration)
    return CriteoApiClient(configuration)


def main(host: str, client_id: str, client_secret: str, advertiser: str) -> dict[str, Any]:
    """Create, search, get, patch."""
    api = CampaignApi(client_of(host, client_id, client_secret))
    limit = model("CreateCampaignSpendLimit")(
        spend_limit_type="capped", spend_limit_renewal="monthly", spend_limit_amount=123.45
    )
    attributes = model("CreateCampaign")(
        name="Made by the SDK", advertiser_id=advertiser, goal="Acquisition", spend_limit=limit
    )
    order = model("CreateCampaignRequest")(
        data=model("CreateCampaignResource")(type="Campaign", attributes=attributes)
    )
    created = api.create_campaign(create_campaign_request=order, **UNCHECKED)
    number = created["data"]["id"]

    filters = model("CampaignSearchFilters", "CampaignSearchFiltersV23Q1")(
        advertiser_ids=[advertiser], campaign_ids=[number]
    )
    request = model("CampaignSearchRequest", "CampaignSearchRequestV23Q1")(filters=filters)
    name = "campaign_search_request" + ("_v23_q1" if hasattr(models, "CampaignSearchRequestV23Q1") else "")
    found = api.search_campaigns(**{name: request}, **UNCHECKED)

    amount = model("NillableDecimal")(value=99.5)
    changed = model("PatchCampaignSpendLimit", "PatchCampaignSpendLimitV27Q1")(
        spend_limit_type="capped", spend_limit_renewal="daily", spend_limit_amount=amount
    )
    resource = model("PatchCampaignWriteResource", "PatchCampaignV27Q1WriteResource")(
        id=number,
        type="Campaign",
        attributes=model("PatchCampaign", "PatchCampaignV27Q1")(spend_limit=changed),
    )
    updates = model("PatchCampaignListRequest", "PatchCampaignV27Q1ListRequest")(data=[resource])
    v27 = hasattr(models, "PatchCampaignV27Q1ListRequest")
    name = "patch_campaign_v27_q1_list_request" if v27 else "patch_campaign_list_request"
    patched = api.patch_campaigns(**{name: updates}, **UNCHECKED)

    got = api.get_campaign(number, **UNCHECKED)
    answers = {"created": created, "found": found, "patched": patched, "got": got}
    return {name: answer.to_dict() for name, answer in answers.items()}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(*sys.argv[1:]), default=str))
