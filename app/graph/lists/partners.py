"""Lists of partners and of their agreements."""

from app.graph.declaring.listing import list_of
from app.graph.lists.conditions import CREATED_AT, NAME, NameFilter

PARTNERS = list_of("Partner", NameFilter, "NAME", name=NAME, created_at=CREATED_AT)
PARTNERSHIPS = list_of("Partnership", NameFilter, "NAME", name=NAME, created_at=CREATED_AT)
