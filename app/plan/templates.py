"""Templates of SQL, read once each: text of ours with named holes, `SELECT {t.name} FROM {t} WHERE {t.scope}`.

A hole is `{name}`, or `{name.column}` for a column of what fills it; a brace of SQL's own is doubled. White space folds
to one blank wherever SQL does not care, so a template may be indented over several lines, and `-- words to the end of
the line` are for its reader alone. Inside `'…'` and `"…"` nothing is folded and nothing can be filled in.
"""

import re
from dataclasses import dataclass
from functools import cache

_PIECE = re.compile(
    r"""
      (?P<quoted> '[^']*' | "[^"]*" )
    | (?P<blank> (?: \s | --[^\n]* )+ )
    | (?P<brace> \{\{ | \}\} )
    | \{ (?P<hole> [a-z_][a-z0-9_]* ) (?: \. (?P<column> [a-z_][a-z0-9_]* ) )? \}
    | (?P<words> (?: [^'"{}\s-] | -(?!-) )+ )
    """,
    re.VERBOSE,
)
_DOUBLED = re.compile(r"\{\{|\}\}")
_NAME = re.compile(r"(?:[a-z_][a-z0-9_]*\.)?[a-z_][a-z0-9_]*")


class TemplateFault(ValueError):
    """A template, or what was put into it, is not as it has to be. Says which and why."""


@dataclass(frozen=True, slots=True)
class Template:
    """What a template came to: its words, and an empty text wherever something is to be filled in."""

    parts: tuple[str, ...]
    places: tuple[tuple[int, str, str], ...]
    """Which part, the hole's name, and the column of it (empty: the thing itself)."""
    blanks: frozenset[int]
    """The places with a blank in front of them, in the words before."""
    names: frozenset[str]
    scoped: frozenset[str]
    """The holes whose scope the template states: `{t.scope}`."""


@cache
def read_template(text: str) -> Template:
    """Take a template apart. They are constants of ours, so their number has a bound."""
    parts: list[str] = [""]
    places: list[tuple[int, str, str]] = []
    at = 0
    while at < len(text):
        found = _PIECE.match(text, at)
        if found is None:
            raise TemplateFault(f"neither SQL nor a hole: {text[at : at + 40]!r} in {text!r}")
        at = found.end()
        hole = found["hole"]
        if hole is not None:
            places.append((len(parts), hole, found["column"] or ""))
            parts += ["", ""]
        elif found["quoted"] is not None:
            parts[-1] += _without_doubles(found["quoted"], text)
        elif found["blank"] is not None:
            if not parts[-1].endswith((" ", "(")) and (parts[-1] or places):
                parts[-1] += " "
        elif found["brace"] is not None:
            parts[-1] += found["brace"][0]
        else:
            words = found["words"]
            parts[-1] = (parts[-1].rstrip() if words.startswith(")") else parts[-1]) + words
    parts[-1] = parts[-1].rstrip(" ")
    filled = {at for at, _, _ in places}
    kept = [at for at, part in enumerate(parts) if part or at in filled]
    now_at = {at: new for new, at in enumerate(kept)}
    return Template(
        tuple(parts[at] for at in kept),
        tuple((now_at[at], name, column) for at, name, column in places),
        frozenset(now_at[at] for at in filled if parts[at - 1].endswith(" ")),
        frozenset(name for _, name, _ in places),
        frozenset(name for _, name, column in places if column == "scope"),
    )


@cache
def is_name(text: str) -> bool:
    """Whether a text is a name as we give them to tables, columns and aliases, and nothing else."""
    return _NAME.fullmatch(text) is not None


def _without_doubles(quoted: str, text: str) -> str:
    if set(_DOUBLED.sub("", quoted)) & set("{}"):
        raise TemplateFault(f"nothing can be filled in inside quotes: {quoted} in {text!r}")
    return _DOUBLED.sub(lambda found: found[0][0], quoted)
