"""Only `app/values/contacts.py` folds e-mail addresses and reads telephone numbers."""

import re
from pathlib import Path

import app

ROOT = Path(app.__file__).parent
CONTACTS = "values/contacts.py"
OF_AN_ADDRESS = re.compile(
    r"\w*(?:e?mail|address|phone)\w*(?:\[[^\]]*\]|\(\))?\s*(?:or\s+\"\"\)?)?\.(?:lower|casefold|upper)\(\)"
    r"|\[[\"']\w*(?:e?mail|address|phone)\w*[\"']\]\.(?:lower|casefold|upper)\(\)"
    r"|\blower\([^)]*(?:e?mail|address|phone)",
    re.IGNORECASE,
)


def faults(text: str) -> list[str]:
    """Lines that fold an address by themselves."""
    return [line.strip() for line in text.splitlines() if OF_AN_ADDRESS.search(line)]


def test_nobody_else_folds_an_address() -> None:
    found = {
        str(path.relative_to(ROOT)): lines
        for path in ROOT.rglob("*.py")
        if str(path.relative_to(ROOT)) != CONTACTS and (lines := faults(path.read_text(encoding="utf-8")))
    }
    assert found == {}


def test_nobody_else_reads_numbers() -> None:
    found = [
        str(path.relative_to(ROOT))
        for path in ROOT.rglob("*.py")
        if "phonenumbers" in path.read_text(encoding="utf-8").replace("phonenumberslite", "")
    ]
    assert found == [CONTACTS]


def test_what_would_be_wrong_is_found() -> None:
    wrong = [
        'by_email.get(row["email"].lower())', "JOIN customer c ON c.email_key = lower(given.address)",
        '(event.email or "").lower()', "value = address.lower()", "lower(email)",
    ]  # fmt: skip
    assert [one for one in wrong if not faults(one)] == []
    assert faults('kind = headers["content-type"].lower()') == []
