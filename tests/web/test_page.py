"""The page with its first view in it: the same packed or not, and nothing in it that ends an element early."""

from __future__ import annotations

import gzip

import pytest

from evd.web.page import page_of


@pytest.mark.parametrize("name", ["x", "x" * 200_000])
def test_a_page_is_the_same_packed_or_not_and_its_secret_is_stored(name: str) -> None:
    index = "<p>{{early}}{{styles}}{{import_map}}{{modules}}"
    page = page_of(index, styles="a{}", early="b", modules="c", import_map="{}")
    fleet, start = {"rows": [{"name": f"</script>{name}"}], "next": None}, {"csrf_token": name}
    whole = page.whole(fleet, start)
    assert whole.count(b"</script>") == 2 and whole.startswith(b"<p>ba{}{}c")
    packed = page.gzipped(fleet, start)
    assert gzip.decompress(packed) == whole
    assert name[:1000].encode() in packed, "the token's length in the answer does not depend on the names"
    assert page.gzipped(None, start) != packed
