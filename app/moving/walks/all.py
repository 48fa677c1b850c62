"""The walks of the five documented APIs, by system."""

from collections.abc import Mapping

from app.moving.walks.benji import BENJI
from app.moving.walks.criteo import CRITEO
from app.moving.walks.crm import CRM
from app.moving.walks.lagriffe import LAGRIFFE
from app.moving.walks.steps import Walk
from app.moving.walks.webmarketer import WEBMARKETER

WALKS: Mapping[str, Walk] = {walk.system: walk for walk in (LAGRIFFE, CRM, WEBMARKETER, BENJI, CRITEO)}
