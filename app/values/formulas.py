"""Cells that a spreadsheet would take for formulas: an apostrophe is put before them, and taken off again."""

import re

BEGINS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What begins like this is a formula to a spreadsheet, the last four to one set to Japanese."""
_NUMBER = re.compile(r"-\d+(\.\d+)?")


def guarded(text: str) -> str:
    """With an apostrophe where it would be a formula, or the apostrophe that it has would be taken for ours."""
    return f"'{text}" if text.lstrip("'").startswith(BEGINS) and not _NUMBER.fullmatch(text) else text


def unguarded(text: str) -> str:
    """As it was before `guarded`; what has no apostrophe before a formula stays."""
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(BEGINS) else text


__all__ = ["guarded", "unguarded"]
