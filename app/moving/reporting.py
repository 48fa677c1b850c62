"""A comparison in words: lines for a terminal, one JSON object for programs, a page for reading."""

from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from html import escape
from importlib.resources import files
from typing import Any

from app.moving.comparing import Comparison, Example, Group

NOTHING = "(nothing)"


def verdict(found: Comparison) -> str:
    """The result in a sentence."""
    asked, equal = found.asked.total(), found.equal.total()
    expected = sum(group.count for group in found.groups.values() if group.expected)
    told = f"{asked:,} requests were asked of both, {equal:,} answers are equal to the last byte or digit"
    if not asked:
        return "Nothing was asked: there is nothing to compare."
    if not found.differs:
        more = f"; {expected:,} expected differences" if expected else ""
        return f"No differences: {told}{more}."
    groups = sum(not group.expected for group in found.groups.values())
    return f"{found.differs:,} differences of {groups:,} kinds: {told}; {expected:,} more are expected."


def lines(found: Comparison) -> Iterator[str]:
    """The report, line by line."""
    for group in found.found:
        yield f"{group.system}  {group.route}  {group.key or '(the answer)'}"
        reason = ""
        if group.reason is not None:
            reason = f"  [{'expected' if group.expected else 'perhaps'}: {group.reason.name}]"
        yield f"    {group.kind}, {group.count:,} times{reason}"
        for example in group.examples:
            yield f"      {example.request}"
            yield f"        old  {example.old or NOTHING}"
            yield f"        new  {example.new or NOTHING}"
    if found.groups:
        yield ""
    for note in found.notes:
        yield f"Note: {note}"
    yield verdict(found)


def as_json(found: Comparison) -> dict[str, Any]:
    """The same as plain data."""
    return {
        "differences": found.differs,
        "asked": found.asked.total(),
        "equal": found.equal.total(),
        "old": found.old,
        "new": found.new,
        "routes": [
            {"system": system, "route": route, "asked": count, "equal": found.equal[system, route]}
            for (system, route), count in sorted(found.asked.items())
        ],
        "groups": [
            {
                "system": group.system,
                "route": group.route,
                "key": group.key,
                "kind": group.kind.value,
                "count": group.count,
                "expected": group.expected,
                "reason": group.reason and {"name": group.reason.name, "why": group.reason.why},
                "examples": [
                    {"request": one.request, "old": one.old, "new": one.new} for one in group.examples
                ],
            }
            for group in found.found
        ],
        "notes": found.notes,
    }


def page(found: Comparison) -> str:
    """The same as one HTML file. It runs nothing and loads nothing; whatever a host printed is escaped."""
    frame = files("app.moving").joinpath("page.html").read_text(encoding="utf-8")
    style = frame.partition("<style>")[2].partition("</style>")[0]
    digest = b64encode(sha256(style.encode()).digest()).decode()
    counted = [group for group in found.found if not group.expected]
    expected = [group for group in found.found if group.expected]
    parts = {
        "policy": f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
        "verdict": escape(verdict(found)),
        "mood": "differs" if found.differs else "same",
        "hosts": "".join(
            f"<tr><td>{escape(system)}</td><td>{escape(old)}</td><td>{escape(found.new.get(system, ''))}</td></tr>"
            for system, old in found.old.items()
        ),
        "routes": "".join(_route(found, mark) for mark in sorted(found.asked)),
        "groups": "".join(map(_group, counted)) or "<p>None.</p>",
        "expected": "".join(map(_group, expected)) or "<p>None.</p>",
        "notes": "".join(f"<li>{escape(note)}</li>" for note in found.notes) or "<li>None.</li>",
    }
    # Piece by piece, so that a mark inside of what a host printed is no mark.
    first, *rest = frame.split("{{")
    return first + "".join(parts[name] + text for name, _, text in (piece.partition("}}") for piece in rest))


def _route(found: Comparison, mark: tuple[str, str]) -> str:
    asked, equal = found.asked[mark], found.equal[mark]
    mood = "same" if asked == equal else "differs"
    return (
        f"<tr class='{mood}'><td>{escape(mark[0])}</td><td><code>{escape(mark[1])}</code></td>"
        f"<td class='n'>{asked:,}</td><td class='n'>{equal:,}</td><td class='n'>{asked - equal:,}</td></tr>"
    )


def _group(group: Group) -> str:
    reason = ""
    if group.reason is not None:
        reason = f"<p class='why'><b>{escape(group.reason.name)}</b>: {escape(group.reason.why)}</p>"
    return (
        f"<article><h3><code>{escape(group.key or '(the answer)')}</code> <b>{escape(group.kind)}</b>"
        f" <span>{group.count:,} times</span></h3>"
        f"<p>{escape(group.system)} <code>{escape(group.route)}</code></p>{reason}"
        f"<table><thead><tr><th>request</th><th>old</th><th>new</th></tr></thead><tbody>"
        f"{''.join(map(_example, group.examples))}</tbody></table></article>"
    )


def _example(example: Example) -> str:
    cells = (example.request, example.old or NOTHING, example.new or NOTHING)
    return "<tr>" + "".join(f"<td><code>{escape(cell)}</code></td>" for cell in cells) + "</tr>"
