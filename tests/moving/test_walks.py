"""The walks ask for everything that the route table can read."""

import pytest

from app.moving.walks.all import WALKS
from app.rest.facades import FACADES
from app.rest.route import Facade


@pytest.mark.parametrize("facade", FACADES, ids=lambda one: one.name)
def test_every_route_that_reads_is_walked_and_no_other(facade: Facade) -> None:
    walk = WALKS[facade.name]
    walked = {walk.route(step, base=base) for step in walk.steps for base in walk.bases}
    assert walked == {
        f"{route.method} {route.path}" for route in facade.routes if not route.writes and not route.delivery
    }


def test_every_name_that_a_step_needs_is_given_or_told() -> None:
    told = {"webmarketer": {"project", "integration"}}
    for walk in WALKS.values():
        given = {name for step in walk.steps for name in step.gives} | told.get(walk.system, set())
        assert {name for step in walk.steps for name in step.needs} <= given
