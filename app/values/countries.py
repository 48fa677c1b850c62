"""Countries (ISO 3166 alpha-2), and the one that a time zone lies in. Source: the lists of the package `tzdata`."""

from functools import cache
from importlib.resources import files


@cache
def countries() -> frozenset[str]:
    """The codes of all countries."""
    return frozenset(line[0] for line in _rows("iso3166.tab"))


@cache
def country_of_zone(zone: str) -> str | None:
    """The country of an IANA time zone under its present name; None of UTC and others that lie in none."""
    return next((line[0] for line in _rows("zone.tab") if line[2] == zone), None)


def _rows(name: str) -> list[list[str]]:
    text = (files("tzdata") / "zoneinfo" / name).read_text(encoding="utf-8")
    return [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]


__all__ = ["countries", "country_of_zone"]
