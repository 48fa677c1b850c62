"""The type of a file, by its first bytes; its name and declaration only choose among what these allow."""

from pathlib import PurePosixPath

HEAD = 4_096
"""How many bytes are looked at."""
UNKNOWN = "application/octet-stream"
INLINE = frozenset(
    {"application/pdf", "image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "text/plain"}
)
"""Types that a browser may show in place, since it runs nothing in them. All others are offered as downloads."""

_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"%PDF-", "application/pdf"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (4, b"ftypavif", "image/avif"),
    (4, b"ftypheic", "image/heic"),
    (4, b"ftypheix", "image/heic"),
    (4, b"ftypmif1", "image/heif"),
    (4, b"ftypqt  ", "video/quicktime"),
    (4, b"ftyp", "video/mp4"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
    (0, b"II*\0", "image/tiff"),
    (0, b"MM\0*", "image/tiff"),
    (0, b"8BPS", "image/vnd.adobe.photoshop"),
    (0, b"%!PS", "application/postscript"),
    (0, b"{\\rtf", "application/rtf"),
)
_OFFICE = "application/vnd.openxmlformats-officedocument."
_IN_ZIP = {
    ".docx": _OFFICE + "wordprocessingml.document",
    ".xlsx": _OFFICE + "spreadsheetml.sheet",
    ".pptx": _OFFICE + "presentationml.presentation",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    ".odp": "application/vnd.oasis.opendocument.presentation",
}
_IN_OLE = {
    ".doc": "application/msword",
    ".xls": "application/vnd.ms-excel",
    ".ppt": "application/vnd.ms-powerpoint",
}
# HTML, SVG and XML are missing: a browser could run them, so they are kept as plain text.
_IN_TEXT = {
    ".txt": "text/plain",
    ".csv": "text/csv",
    ".md": "text/markdown",
    ".json": "application/json",
}
_CONTROLS = bytes(set(range(32)) - {9, 10, 12, 13, 27}) + b"\x7f"


def content_type_of(head: bytes, *, name: str, declared: str | None) -> str:
    """The media type to keep for a file that begins with `head`.

    A declaration that the bytes contradict is ignored: a program called banner.png is `application/octet-stream`.
    """
    for offset, mark, kind in _SIGNATURES:
        if head.startswith(mark, offset):
            return kind
    declared = (declared or "").partition(";")[0].strip().lower()
    suffix = PurePosixPath(name).suffix.lower()
    if head.startswith(b"PK\x03\x04"):
        return _chosen(_IN_ZIP, declared, suffix, otherwise="application/zip")
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _chosen(_IN_OLE, declared, suffix, otherwise=UNKNOWN)
    if _is_text(head):
        return _chosen(_IN_TEXT, declared, suffix, otherwise="text/plain")
    return UNKNOWN


def safe_name(name: str) -> str:
    """A file name that is only a name: no folders, no invisible characters, at most 200 characters.

    A longer one keeps its beginning and its suffix.
    """
    last = name.replace("\\", "/").rpartition("/")[2]
    shown = "".join(c for c in last if c.isprintable() and not 0xD800 <= ord(c) <= 0xDFFF)
    shown = shown.strip().strip(".").strip()
    if not shown:
        return "file"
    if len(shown) <= 200:
        return shown
    stem, dot, suffix = shown.rpartition(".")
    return f"{stem[: 199 - len(suffix)]}.{suffix}" if dot and len(suffix) <= 16 else shown[:200]


def _chosen(kinds: dict[str, str], declared: str, suffix: str, *, otherwise: str) -> str:
    return declared if declared in kinds.values() else kinds.get(suffix, otherwise)


def _is_text(head: bytes) -> bool:
    if any(byte in _CONTROLS for byte in head):
        return False
    for cut in range(4):  # The last character may have been cut in half.
        try:
            head[: len(head) - cut].decode()
        except UnicodeDecodeError:
            continue
        return True
    return False
