"""GraphiQL in a real browser that reaches nobody but this machine."""

from collections.abc import AsyncIterator
from urllib.parse import urlencode

import pytest

from app.graph.http.ide import STATIC
from tests.browser.chromium import Page, chromium, page
from tests.serving.process import Gateway, data_folder, serving

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(
        not (STATIC / "BUILT").exists(), reason="GraphiQL is not bundled: run `make graphiql`"
    ),
]

EDITOR = ".graphiql-query-editor .monaco-editor"
RESPONSE = "document.querySelector('.graphiql-response').innerText"
# Monaco draws blanks as no-break spaces.
PLAIN = f"{RESPONSE}.replaceAll(String.fromCharCode(160), ' ')"


@pytest.fixture(scope="module")
async def gateway() -> AsyncIterator[Gateway]:
    """What `make run` starts."""
    chromium()
    with data_folder() as folder:
        async with serving(folder) as started:
            yield started


async def loaded(tab: Page, url: str) -> None:
    """Open GraphiQL and wait until the schema is in."""
    await tab.open(url)
    await tab.until(f"!!document.querySelector({EDITOR!r})")
    await tab.click("button[aria-label*='Documentation']")
    await tab.until("document.querySelector('.graphiql-doc-explorer')?.innerText.includes('Root Types')")


def nobody_outside(tab: Page, gateway: Gateway) -> bool:
    """Whether every address the page asked for is ours."""
    return all(url.startswith((gateway.base, "data:", "blob:")) for url in tab.asked)


async def test_a_typed_query_returns_demonstration_data(gateway: Gateway) -> None:
    async with page() as tab:
        await loaded(tab, f"{gateway.base}/graphql")
        await tab.click(EDITOR)
        await tab.value(f"document.querySelector('{EDITOR} textarea')?.focus()")
        await tab.press("a", code="KeyA", number=65, modifiers=2)
        # The editor closes the first bracket by itself.
        await tab.type("{ campaigns(first: 2) { totalCount nodes { name } }")
        await tab.click("button[aria-label*='Execute']")
        await tab.until(f"{PLAIN}.includes('totalCount')")
        said = await tab.value(PLAIN)
        assert '"name"' in said
        assert "errors" not in said
        assert nobody_outside(tab, gateway)
        assert tab.complaints == []


async def test_the_documentation_teaches_the_domain(gateway: Gateway) -> None:
    async with page() as tab:
        await loaded(tab, f"{gateway.base}/graphql")
        await tab.value(
            "[...document.querySelectorAll('.graphiql-doc-explorer a')]"
            ".find(a => a.innerText === 'Query').click()"
        )
        await tab.until("document.querySelector('.graphiql-doc-explorer').innerText.includes('campaigns')")
        said = await tab.value("document.querySelector('.graphiql-doc-explorer').innerText")
        assert "Campaigns of every kind." in said


async def test_a_link_brings_its_query_and_variables(gateway: Gateway) -> None:
    query = "query Some($n: Int!) { campaigns(first: $n) { nodes { id } } }"
    prefilled = urlencode({"query": query, "variables": '{"n": 1}'})
    async with page() as tab:
        await loaded(tab, f"{gateway.base}/graphql?{prefilled}")
        await tab.click("button[aria-label*='Execute']")
        await tab.until(f"{PLAIN}.includes('camp_')")


async def test_without_a_key_the_page_says_what_to_do(gateway: Gateway) -> None:
    # Asked for by another name, the key is not filled in; the page then explains.
    async with page() as tab:
        await tab.open(f"{gateway.base}/graphql")
        await tab.call("Network.setExtraHTTPHeaders", headers={"X-Forwarded-For": "192.0.2.1"})
        await tab.call("Page.reload")
        await tab.until("document.body?.innerText.includes('gateway keys create')")


async def test_a_subscription_shows_what_has_changed(gateway: Gateway) -> None:
    query = "subscription { campaigns(first: 1, orderBy: [{field: NAME}]) { nodes { id name } } }"
    async with page() as tab:
        await loaded(tab, f"{gateway.base}/graphql?{urlencode({'query': query})}")
        await tab.click("button[aria-label*='Execute']")
        await tab.until(f"{PLAIN}.includes('camp_')")
        said = str(await tab.value(PLAIN))
        ident = said[said.index("camp_") :].partition('"')[0]
        renamed = (
            'mutation ($id: ID!) { campaignUpdate(input: {id: $id, name: "!! new"}) { errors { message } } }'
        )
        answer = await gateway.http.post(
            "/graphql",
            json={"query": renamed, "variables": {"id": ident}},
            headers={"X-API-KEY": gateway.demo["api_key"]},
        )
        assert answer.json() == {"data": {"campaignUpdate": {"errors": []}}}
        await tab.until(f"{PLAIN}.includes('!! new')")
