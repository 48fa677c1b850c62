"""A document that already yields what is printed keeps its bytes."""

import pytest

from app.rest.route import PassThrough

LIST = PassThrough(b'{"promos":{"nodes":', b"}}", b'{"data":', b"}")


def test_the_envelope_is_put_around_the_bytes() -> None:
    assert LIST.wrap(b'{"promos":{"nodes":[{"value":15.00}]}}') == b'{"data":[{"value":15.00}]}'


@pytest.mark.parametrize("data", [b'{"promos":null}', b"{}", b'{"campaigns":{"nodes":[]}}'])
def test_data_of_another_form_is_never_cut(data: bytes) -> None:
    with pytest.raises(ValueError, match="does not start with"):
        LIST.wrap(data)
