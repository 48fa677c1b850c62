"""Landing addresses as people write them: one parser, which never raises."""

from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.interactions.addresses import MAX_PARAMETERS, host_of, parameters
from app.domain.interactions.landing import LandingNode, loosened, read_landing
from app.domain.interactions.signs import signs_of

SITE = "https://shop.example/"
BETA = LandingNode("w", "beta")


@pytest.mark.parametrize(
    "written",
    [
        "?wmktid=w&cid=beta",
        "#/x?wmktid=w&cid=beta",
        "#!/x?wmktid=w&cid=beta",
        "#wmktid=w&cid=beta",
        "?wmktid=w#cid=beta",
        "?a=1#/x?wmktid=w&cid=beta",
        "?a=1?wmktid=w&cid=beta",
        "??wmktid=w&cid=beta",
        "?wmktid=w&amp;cid=beta",
        "?wmktid=w&AMP;cid=beta",
        "?wmktid=w&amp;amp;cid=beta",
        "?wmktid=w&#38;cid=beta",
        "?wmktid=w&#x26;cid=beta",
        "?wmktid=w;cid=beta",
        "?&&wmktid=w&&cid=beta&",
        "?WMKTID=w&Cid=beta",
        "? wmktid = w & cid = beta ",
        "?wmktid=%20w+&%20cid=+beta%20",
        "?wmktid%3Dw%26cid%3Dbeta",
        "?wmktid%253Dw%2526cid%253Dbeta",
        "?wmktid=w%26cid%3Dbeta",
        "&wmktid=w&cid=beta",
        "?wmktid=&wmktid=w&cid=%20&cid=beta",
        "?wmktid=w&cid=beta&cid=other",
        "?back=https%3A%2F%2Fother.example%2F%3Fcid%3Dother&wmktid=w&cid=beta",
    ],
)
def test_a_tag_is_found_wherever_it_was_put(written: str) -> None:
    assert read_landing(SITE + written) == BETA
    assert read_landing(f"  {SITE}{written}\n") == BETA


def test_an_address_may_be_encoded_as_a_whole() -> None:
    assert read_landing(quote(f"{SITE}?wmktid=w&cid=beta", safe="")) == BETA


@pytest.mark.parametrize(
    ("written", "slug"),
    [
        ("cid=a;b", "a;b"),
        ("cid=what?", "what?"),
        ("cid=m%C3%A9tro+ligne", "métro ligne"),
        ("cid=a%26b", "a&b"),
        ("cid=a=b", "a=b"),
        ("cid=100%25", "100%"),
        ("cid=beta/", "beta/"),
        ("cid=Beta", "Beta"),
    ],
)
def test_a_slug_is_read_as_it_was_meant(written: str, slug: str) -> None:
    assert read_landing(f"{SITE}?{written}").campaign == slug


@pytest.mark.parametrize("written", ["beta/", "beta//", " beta ", "beta%2F", "beta%252F", "beta /"])
def test_what_is_careless_about_a_slug_can_be_taken_off(written: str) -> None:
    assert loosened(written) == "beta"


def test_what_another_address_inside_says_is_not_said_of_this_one() -> None:
    inside = quote("https://other.example/?utm_source=google&gclid=1&wmktid=w", safe="")
    assert signs_of(f"{SITE}?next={inside}", None).is_tagged is False
    assert read_landing(f"{SITE}?next={inside}") == LandingNode()


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://www.Google.co.uk/search", "google.co.uk"),
        ("android-app://com.google.android.gm/", "com.google.android.gm"),
        ("https://shop.example:8443/", "shop.example"),
        ("shop.example/", ""),
        ("https://[broken", None),
    ],
)
def test_the_host_of_an_address(url: str, host: str | None) -> None:
    assert host_of(url) == host


PIECES = st.lists(
    st.one_of(
        st.sampled_from(["?", "#", "&", ";", "=", "%", "%25", "%3D", "%26", "&amp;", "//", "[", "]", "wmktid", "cid"]),
        st.text(max_size=8),
    ),
    max_size=40,
).map("".join)  # fmt: skip


@given(PIECES, PIECES)
def test_nothing_that_anybody_sends_raises(url: str, referrer: str) -> None:
    node = read_landing(url)
    signs_of(url, referrer)
    for said in node:
        assert said is None or (said and said == said.strip() and said.isprintable())


@given(st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), min_size=1, max_size=60))
def test_whatever_is_well_written_is_read_as_it_is(slug: str) -> None:
    assert parameters(SITE + "?" + urlencode({"wmktid": "w", "cid": slug}))["wmktid"] == "w"
    if "=" not in slug and slug.strip() == slug:
        assert read_landing(SITE + "?" + urlencode({"wmktid": "w", "cid": slug})).campaign == slug


def test_an_address_cannot_be_made_to_take_long() -> None:
    assert len(parameters(SITE + "?" + "&".join(f"p{n}=1" for n in range(300)))) == MAX_PARAMETERS
    assert parameters(SITE + "?" + "%2525" * 20_000) == {}
    assert parameters(SITE + "?" + "&amp;" * 20_000 + "a=1") == {}
