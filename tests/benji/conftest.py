"""The whole gateway in this process, and a client of Benji's API."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.rest.conftest import Marketer, gateway, marketers, settings

__all__ = ["Member", "gateway", "marketers", "member", "settings"]


@dataclass(frozen=True, slots=True)
class Member:
    """A client with a bearer token of a group."""

    inner: Marketer

    @property
    def group_id(self) -> int:
        """The token's group."""
        return self.inner.given.group_id

    async def campaigns(self, **query: Any) -> list[dict[str, Any]]:
        """The list of a good answer."""
        response = await self.inner.call("GET", "/campaigns", base="", params=query or None)
        assert response.status_code == 200, response.text
        body = response.json()
        assert list(body) == ["campaigns"]
        found: list[dict[str, Any]] = body["campaigns"]
        return found


@pytest.fixture
async def member(marketers: Callable[..., Any]) -> Member:
    """A client of a new group."""
    return Member(await marketers())
