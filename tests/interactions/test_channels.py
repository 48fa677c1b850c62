"""By which channel somebody came: the rules, without a database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.interactions.built_in import BUILT_IN
from app.domain.interactions.channels import ChannelOrigin, Compiled, Rule, Told
from app.domain.interactions.signs import CLICK_IDS, Signs, signs_of

SITE = "https://shop.example/"


def channel(
    query: str = "",
    referrer: str | None = None,
    *,
    own: tuple[Rule, ...] = (),
    kind: str | None = None,
    channels: tuple[str, ...] = (),
) -> str | None:
    rules = Compiled(own, BUILT_IN)
    return rules.tell(signs_of(SITE + query, referrer), kind=kind, channels=channels).channel


@pytest.mark.parametrize(
    ("query", "said"),
    [
        # What platforms add to ads alone.
        ("?gclid=1", "google_ads"),
        ("?GCLID=1", "google_ads"),
        ("#/x?gbraid=1", "google_ads"),
        ("?wbraid=1", "google_ads"),
        ("?msclkid=1", "microsoft_ads"),
        ("?ttclid=1", "tiktok_ads"),
        ("?twclid=1", "x_ads"),
        ("?li_fat_id=1", "linkedin_ads"),
        ("?gclid=", None),
        ("?utm_source=google&utm_medium=cpc&utm_campaign=x&gclid=1&fbclid=2&msclkid=3", "google_ads"),
        ("?utm_source=newsletter&utm_medium=email&gclid=1", "google_ads"),
        # What they add to every link.
        ("?fbclid=1", "organic_social"),
        ("?fbclid=1&utm_medium=paid", "meta_ads"),
        ("?fbclid=1&utm_source=facebook&utm_medium=social", "organic_social"),
        ("?fbclid=1&utm_source=newsletter&utm_medium=email", "email"),
        # Sources and media.
        ("?utm_source=google&utm_medium=cpc", "google_ads"),
        ("?utm_source=Google&utm_medium=CPC", "google_ads"),
        ("?utm_source=google&utm_medium=organic", "organic_search"),
        ("?utm_source=google", "google_ads"),
        ("?utm_source=adwords", "google_ads"),
        ("?utm_source=facebook&utm_medium=paid_social", "meta_ads"),
        ("?utm_source=ig&utm_medium=cpc", "meta_ads"),
        ("?utm_source=instagram", "organic_social"),
        ("?utm_source=bing&utm_medium=cpc", "microsoft_ads"),
        ("?utm_source=tiktok&utm_medium=paid", "tiktok_ads"),
        ("?utm_source=criteo&utm_medium=retargeting", "criteo"),
        ("?utm_source=june&utm_medium=email", "email"),
        ("?utm_source=Klaviyo", "email"),
        ("?utm_medium=SMS", "sms"),
        ("?utm_medium=push", "push"),
        ("?utm_source=acme&utm_medium=affiliate", "affiliate"),
        ("?utm_source=acme&utm_medium=cpc", "paid_search"),
        ("?utm_source=acme&utm_medium=banner", "display"),
        ("?utm_source=acme&utm_medium=referral", "referral"),
        ("?utm_source=partner-magazine", "other"),
        ("?utm_campaign=spring", "other"),
        ("?utm_source=%20&utm_medium=", None),
        ("", None),
        ("?cid=beta", None),
    ],
)
def test_a_link_says_it_by_its_tags(query: str, said: str | None) -> None:
    assert channel(query) == said


@pytest.mark.parametrize(
    ("referrer", "said"),
    [
        ("https://www.google.co.uk/search?q=cheese", "organic_search"),
        ("https://duckduckgo.com/", "organic_search"),
        ("https://l.facebook.com/l.php", "organic_social"),
        ("https://t.co/abc", "organic_social"),
        ("https://mail.google.com/mail/u/0", "email"),
        ("android-app://com.google.android.gm/", "email"),
        ("https://www.shop.example/basket", None),
        ("https://somebody.example.org/", None),
        ("not an address", None),
        ("https://[broken", None),
        (None, None),
    ],
)
def test_a_link_without_tags_by_the_page_they_came_from(referrer: str | None, said: str | None) -> None:
    assert channel("", referrer) == said


def test_tags_say_more_than_the_page_they_came_from() -> None:
    assert channel("?utm_source=acme", "https://www.google.com/") == "other"
    assert channel("?utm_medium=email", "https://www.facebook.com/") == "email"


BOTH = ("google_ads", "meta_ads")


@pytest.mark.parametrize(
    ("query", "channels", "kind", "said"),
    [
        ("?fbclid=1", BOTH, "custom_ads", "meta_ads"),
        ("?utm_source=facebook&utm_medium=social", BOTH, "custom_ads", "meta_ads"),
        ("?gclid=1&fbclid=1", ("meta_ads",), "custom_ads", "meta_ads"),
        ("?utm_source=partner_app&utm_medium=cpc", ("partner_app", "email"), "custom_ads", "partner_app"),
        ("?utm_source=google&utm_medium=cpc", ("email",), "custom_ads", "google_ads"),
        ("?utm_source=acme", ("email",), "custom_ads", "email"),
        ("?utm_source=acme", BOTH, "custom_ads", "other"),
        ("", ("email",), "custom_ads", "email"),
        ("", BOTH, "custom_ads", None),
        ("", BOTH, "meta_ads", "meta_ads"),
        ("", ("custom_ads",), "custom_ads", "custom_ads"),
        ("", (), "facebook", "facebook"),
    ],
)
def test_the_campaign_settles_what_its_link_leaves_open(
    query: str, channels: tuple[str, ...], kind: str, said: str | None
) -> None:
    assert channel(query, "https://www.google.com/", channels=channels, kind=kind) == said


def test_a_groups_own_rules_come_first_in_their_order() -> None:
    own = (
        Rule("radio", source="radio*|*-FM", campaign="spring*"),
        Rule("search", click_id="GCLID"),
        Rule(None, referrer="google.*"),
        Rule("sheet", integration="custom_sheet"),
        Rule("rest", source="*"),
    )
    assert channel("?utm_source=Radio%20One&utm_campaign=spring-1", own=own) == "radio"
    assert channel("?utm_source=nova-fm&utm_campaign=Spring", own=own) == "radio"
    assert channel("?utm_source=radio", own=own) == "rest"
    assert channel("?gclid=1", own=own, channels=("google_ads",)) == "search"
    assert channel("", "https://www.google.fr/", own=own) is None
    assert channel("", own=own, kind="custom_sheet", channels=("email",)) == "sheet"
    assert channel("?utm_medium=email", own=own) == "email"


def test_it_is_said_which_rule_it_was() -> None:
    rules = Compiled((Rule("radio", source="radio"),), BUILT_IN)
    own = rules.tell(Signs(source="radio"))
    assert (own.origin, own.position, own.rule) == (ChannelOrigin.OWN, 1, Rule("radio", source="radio"))
    built_in = rules.tell(Signs(click_ids=frozenset({"gclid"})))
    assert (built_in.origin, built_in.position) == (ChannelOrigin.BUILT_IN, 1)
    assert rules.tell(Signs(), channels=["email"]) == Told("email", ChannelOrigin.CAMPAIGN)
    assert rules.tell(Signs(), kind="custom_ads") == Told("custom_ads", ChannelOrigin.INTEGRATION)
    assert rules.tell(Signs()) == Told()


def test_every_click_id_says_something() -> None:
    assert {name: channel(f"?{name}=1") for name in CLICK_IDS if channel(f"?{name}=1") is None} == {}


@pytest.mark.parametrize(
    ("pattern", "value", "fits"),
    [
        ("a*c", "abc", True),
        ("a*c", "ac", True),
        ("a*a", "a", False),
        ("*b*", "abc", True),
        ("a*b*b", "ab", False),
        ("a|b", "b", True),
        ("a | B ", "b", True),
        (".*", "x", False),
        ("*", "x", True),
        ("*a" * 60, "a" * 5_000, True),
        ("*a" * 60 + "b", "a" * 5_000, False),
    ],
)
def test_a_pattern_is_a_text_with_gaps(pattern: str, value: str, fits: bool) -> None:
    told = Compiled((Rule("x", source=pattern),), ()).tell(Signs(source=value))
    assert (told.channel == "x") is fits


WORDS = st.none() | st.text(max_size=12) | st.sampled_from(["google", "cpc", "*", "|", "a|*b"])


@given(WORDS, WORDS, WORDS, WORDS, st.lists(st.sampled_from(CLICK_IDS)), st.lists(st.text(max_size=5)))
def test_no_sign_and_no_rule_raises(
    source: str | None,
    medium: str | None,
    referrer: str | None,
    pattern: str | None,
    clicks: list[str],
    channels: list[str],
) -> None:
    own = (Rule("own", source=pattern, medium=pattern, referrer=pattern),) if pattern else ()
    Compiled(own, BUILT_IN).tell(
        Signs(source, medium, None, frozenset(clicks), referrer), kind=medium, channels=channels
    )
