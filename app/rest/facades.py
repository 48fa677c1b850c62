"""Every legacy API we serve. A new one is a line here and a folder beside `lagriffe/`."""

from app.rest.benji.routes import FACADE as BENJI
from app.rest.criteo.routes import FACADE as CRITEO
from app.rest.crm.routes import FACADE as CRM
from app.rest.lagriffe.routes import FACADE as LAGRIFFE
from app.rest.route import Facade
from app.rest.webmarketer.routes import FACADE as WEBMARKETER

FACADES: tuple[Facade, ...] = (LAGRIFFE, CRM, WEBMARKETER, BENJI, CRITEO)
