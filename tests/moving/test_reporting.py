"""A comparison can be read in a terminal, by a program, and in a browser."""

from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

from app.moving.comparing import Comparison
from app.moving.differing import Difference, Kind
from app.moving.reporting import as_json, lines, page, verdict
from app.moving.requests import Request
from app.values.json_text import write_json

REQUEST = Request("crm", "GET /api/v1/marketing/campaigns", "GET", "/api/v1/marketing/campaigns?page=<2>")


def compared(*found: Difference) -> Comparison:
    """One request that was asked, with these differences."""
    result = Comparison(old={"crm": "https://old.example"}, new={"crm": "https://new.example"})
    result.asked["crm", REQUEST.route] += 1
    result.equal["crm", REQUEST.route] += not found
    for one in found:
        result.add(REQUEST, one)
    return result


def test_whatever_a_host_printed_is_text_on_the_page() -> None:
    evil = "</code><script>alert(1)</script>{{groups}}{{verdict}}<img src=x onerror=alert(1)>"
    result = compared(Difference(Kind.VALUE, f"data[].{evil}", evil, evil))
    result.notes.append(evil)
    tags: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            tags.append(tag)
            assert not any(name.startswith("on") or name in ("src", "href") for name, _ in attrs)

    text = page(result)
    Reader().feed(text)
    assert not {"script", "img", "link", "iframe"} & set(tags)
    assert text.count("{{groups}}") == 4  # key, old, new and note


def test_the_page_allows_its_own_style_alone() -> None:
    text = page(compared())
    style = text.partition("<style>")[2].partition("</style>")[0]
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in text
    assert "http" not in style


def test_three_examples_and_the_count_are_told() -> None:
    result = compared(*[Difference(Kind.VALUE, "data[].name", f"a{n}", f"b{n}") for n in range(5)])
    told = "\n".join(lines(result))
    assert "value, 5 times" in told
    assert "a2" in told
    assert "a3" not in told
    [group] = as_json(result)["groups"]
    assert (group["count"], len(group["examples"])) == (5, 3)
    write_json(as_json(result))


def test_what_is_expected_counts_as_no_difference() -> None:
    link = [f'<https://{host}/a?page=2>; rel="next"' for host in ("old.example", "new.example")]
    result = compared(Difference(Kind.HEADER, "link", *link))
    assert result.differs == 0
    assert verdict(result).startswith("No differences")
    assert "expected: address of the host" in "\n".join(lines(result))
    assert as_json(result)["groups"][0]["expected"] is True


def test_nothing_asked_is_not_nothing_different() -> None:
    assert verdict(Comparison()).startswith("Nothing was asked")


def test_the_number_of_groups_is_bounded() -> None:
    result = compared(*[Difference(Kind.VALUE, f"data.{n}", "a", "b") for n in range(6_000)])
    assert len(result.groups) <= 5_001
    assert result.differs == 6_000


def test_what_would_command_a_terminal_or_is_half_a_character_is_escaped() -> None:
    evil = "\x1b]0;x\x07\x9b31m\ud800\n"
    result = compared(Difference(Kind.STATUS, evil, evil, f"500 {evil}"))
    told = "\n".join([*lines(result), page(result)])
    told.encode()
    write_json(as_json(result))
    assert not set("\x1b\x07\x9b\ud800") & set(told)
    assert "\\x1b]0;x" in told
