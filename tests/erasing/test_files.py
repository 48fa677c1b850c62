"""Files of imports without somebody: row by row where rows can be told apart."""

import gzip
from pathlib import Path

import pytest

from app.domain.erasing.files import Whole, _holds, _write_without
from app.domain.erasing.texts import Texts

ANN = Texts(emails=frozenset({"ann@example.org"}), keys=frozenset({"id-of-ann"})).strong
HEAD = "id,name,email\n"
ROW, OTHER = 'id-of-ann,"Ann\n""A.""",ANN@example.org\n', 'b,"Ben\nB.",ben@example.org\n'


def without(folder: Path, content: bytes) -> bytes:
    file, left = folder / "file", folder / "left"
    file.write_bytes(content)
    assert _holds(file, ANN)
    _write_without(file, left, ANN)
    assert not _holds(left, ANN)
    return left.read_bytes()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_a_row_of_several_lines_goes_as_a_whole(tmp_path: Path, encoding: str) -> None:
    sent = HEAD + OTHER + ROW + OTHER.replace("Ben", "Zoé")
    left = HEAD + OTHER + OTHER.replace("Ben", "Zoé")
    assert without(tmp_path, sent.encode(encoding)) == left.encode(encoding)


def test_what_was_compressed_stays_so(tmp_path: Path) -> None:
    assert (
        gzip.decompress(without(tmp_path, gzip.compress((HEAD + ROW + OTHER).encode())))
        == (HEAD + OTHER).encode()
    )


def test_json_lines_are_rows(tmp_path: Path) -> None:
    lines = b'{"email": "ann\\u0040example.org"}\n{"email": "ben@example.org"}\n'
    assert without(tmp_path, lines) == b'{"email": "ben@example.org"}\n'


@pytest.mark.parametrize(
    "content",
    [
        b'[{"email": "ann@example.org"}, {"email": "ben@example.org"}]',
        b'{\n "email": "ann@example.org"\n}',
        (HEAD + OTHER + ROW).encode("utf-16"),
        b"ann@example.org,x\nben@example.org,y\n",
        b'id,name\n1,"stray ann@example.org' + b"\nx" * 1_001,
    ],
)
def test_what_cannot_be_taken_apart_is_told(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    assert _holds(file, ANN)
    with pytest.raises(Whole):
        _write_without(file, tmp_path / "left", ANN)


def test_a_text_that_a_piece_of_the_file_ends_in_is_found(tmp_path: Path) -> None:
    for at in range(1024 * 1024 - 20, 1024 * 1024 + 5, 3):
        file = tmp_path / "file"
        file.write_bytes(b" " * at + b"ann@example.org" + b" " * 50)
        assert _holds(file, ANN), at
