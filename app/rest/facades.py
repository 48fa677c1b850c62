"""Every legacy API we speak. A new one is one line here and a folder beside `lagriffe/`."""

from app.rest.benji.routes import FACADE as BENJI
from app.rest.crm.routes import FACADE as CRM
from app.rest.lagriffe.routes import FACADE as LAGRIFFE
from app.rest.route import Facade

FACADES: tuple[Facade, ...] = (LAGRIFFE, CRM, BENJI)
