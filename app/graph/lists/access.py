"""Lists of API keys and of clients of the token endpoint."""

from app.graph.declaring.listing import list_of
from app.graph.lists.conditions import CREATED_AT, NAME, NameFilter

API_KEYS = list_of("ApiKey", NameFilter, "CREATED_AT", descending=True, name=NAME, created_at=CREATED_AT)
OAUTH_CLIENTS = list_of(
    "OAuthClient", NameFilter, "CREATED_AT", descending=True, name=NAME, created_at=CREATED_AT
)
