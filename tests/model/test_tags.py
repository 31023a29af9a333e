"""Tags of vehicles: which words may be one, and how a list of vehicles names one."""

from __future__ import annotations

import pytest

from evd.errors import BadRequest
from evd.model.tags import TAG_MAX, checked_tags, tag_in


def test_each_tag_stands_once_in_order() -> None:
    assert checked_tags(["vans", "Žilina", "a-b", "vans"]) == ("a-b", "vans", "Žilina")
    assert checked_tags([]) == ()
    assert checked_tags(["x" * TAG_MAX]) == ("x" * TAG_MAX,)


@pytest.mark.parametrize("tag", ["", "x" * (TAG_MAX + 1), "two words", "a/b", "a\n", "\u202e", "\ud800"])
def test_a_word_that_could_be_misread_is_no_tag(tag: str) -> None:
    with pytest.raises(BadRequest, match="is no tag"):
        checked_tags(["good", tag])


def test_in_a_list_of_vehicles_a_tag_has_its_prefix() -> None:
    assert (tag_in("tag:vans"), tag_in("386625"), tag_in("TAG:vans")) == ("vans", None, None)
    with pytest.raises(BadRequest, match="is no tag"):
        tag_in("tag:")
