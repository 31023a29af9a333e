"""For whom a vehicle's places are coarse: the setting, its owner's word, and what commits change."""

from __future__ import annotations

from evd.model.commits import summarize
from evd.model.operations import SetProfile
from evd.model.place_privacy import PlacePrivacy
from evd.model.profile import Profile


def test_its_owner_s_word_counts_before_the_setting() -> None:
    places = PlacePrivacy("viewers", [("A", "everyone"), ("B", "nobody")])
    levels = [(places.is_coarse(one, viewer=False), places.is_coarse(one, viewer=True)) for one in "ABC"]
    assert levels == [(True, True), (False, False), (False, True)]


def test_it_follows_what_is_committed() -> None:
    places = PlacePrivacy("nobody", [("A", "everyone")])
    operations = [
        SetProfile("A", Profile(coarseLocation=None)),
        SetProfile("B", Profile(coarseLocation="viewers")),
        SetProfile("B", Profile(name="Zoe")),
    ]
    places.committed(summarize(operations, [None, None, None]))
    assert [places.of(one) for one in "AB"] == ["nobody", "viewers"]
