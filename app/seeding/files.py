"""Small real files for the demonstration: a JPEG photograph, PNG banners and PDF briefs."""

import base64
import struct
import zlib
from collections.abc import Sequence

PHOTO_JPEG = base64.b64decode(
    """
/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABcQERQRDhcUEhQaGBcbIjklIh8fIkYyNSk5UkhXVVFIUE5bZoNvW2F8Yk5QcptzfIeL
kpSSWG2grJ+OqoOPko3/2wBDARgaGiIeIkMlJUONXlBejY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2N
jY2NjY2NjY3/wAARCABkAKADASIAAhEBAxEB/8QAGgABAQADAQEAAAAAAAAAAAAAAAECBQYEA//EADAQAQACAQIDBAkEAwAAAAAA
AAABAgMEEQUhMRITUWEGIjNBcYGRscEUUlRiktHh/8QAGQEBAQEBAQEAAAAAAAAAAAAAAQIAAwQF/8QAGhEBAQEBAQEBAAAAAAAA
AAAAAAECETEDEv/aAAwDAQACEQMRAD8A9SCPlvpiCKAxEUwgigIIQIIphiIoCCECCKYQYqDaoI8LqMRFMIIoCCECCKYfTT6bLqr9
nFXfbrM9IfOtbXvWlY3tadojzdJo9NGl09ccdetp36yqRz3r8x8NNwrBh55I7239o5fR6f0mm/j4v8IfUW891a82bh2lzV2nDWs7
cpp6u30abiHDb6SO8pM3xTPXbnX4/wC3RFoi1ZraImJjaYn3sZuxxqPXxPRzo9TNY9nf1qeUeHyeJUd5eiCKZtWIjwuwgigIIQII
phiIoPbwnH3mvrO0TFIm0xP0+8w6Fz/BsnY18V237dZr8Pf+HQKjz/T0ALmAMzVekNKzpMd5j1ovtE+UxO/2hzzofSG0Rosdd43n
JvEfKXOrjtjwQRSm0QR4nYQQgQRTDERQEEIZY8k4stMldt6Wi0b+TqdLqKarBXLSY5xzjfpPg5N6dFxDLorT2NrUmedJ/HhKnPee
uoHm0vENPq+WO+1/2W5T/wB+T0s4WcB882ow6evazZK0jaZjeeu3h4tHxTjHf0nDpu1XHPK1p5TbyjyMnTM2vhxjWxq9V2aezxb1
r05z75a4R0kd5OCCKZtEEeF1EEUwxEUBBCBBFMIMVAQRQEEIEEUwgxUG1QR4XYYiKAghAgimEGKgIIoCCECCKYQYqAghDaoDwuzF
AUEQFMiSBCMQUESQUyJIEIgKCMQUySgKD//Z
"""
)
"""A sunset, 160 × 100 pixels."""


def banner_png(top: tuple[int, int, int], bottom: tuple[int, int, int]) -> bytes:
    """A gradient from one colour to another, 240 × 80 pixels."""
    width, height = 240, 80
    rows = bytearray()
    for y in range(height):
        shade = bytes((a * (height - y) + b * y) // height for a, b in zip(top, bottom, strict=True))
        rows += b"\0" + shade * width  # each row starts with its filter: none

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)  # 8 bits, RGB
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(rows), 9)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def brief_pdf(title: str, lines: Sequence[str]) -> bytes:
    """A page of text: PDF 1.4 with one of the fonts every reader has."""

    def quoted(text: str) -> bytes:
        # WinAnsi has the accents of western Europe; what it lacks becomes a question mark.
        raw = text.encode("cp1252", "replace")
        return raw.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")

    shown = [b"BT /F1 20 Tf 56 770 Td (" + quoted(title) + b") Tj /F1 11 Tf 0 -34 Td"]
    shown += [b"(" + quoted(line) + b") Tj 0 -16 Td" for line in lines]
    page = b"\n".join([*shown, b"ET"])
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(page), page),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    out = bytearray(b"%PDF-1.4\n")
    places = []
    for number, content in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size, start = len(objects) + 1, len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, table)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, start)
    return bytes(out)
