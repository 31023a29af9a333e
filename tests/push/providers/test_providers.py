"""The table of push providers: what must hold between its rows."""

from __future__ import annotations

from evd.cli import COMMANDS
from evd.push.providers import PROVIDERS, admin_targets, target_kinds, user_kinds


def test_each_kind_of_target_is_served_by_one_provider() -> None:
    kinds = [kind.name for kind in target_kinds()]
    assert len(kinds) == len(set(kinds))
    assert len({traits.name for traits in PROVIDERS}) == len(PROVIDERS)


def test_what_an_administrator_registers_is_no_user_s_and_of_its_own_provider() -> None:
    for traits in PROVIDERS:
        if traits.by_admin is not None:
            assert traits.by_admin.kind in traits.serves
            assert not any(kind.personal for kind in traits.kinds)
            assert not traits.serves & user_kinds()


def test_no_command_of_a_provider_hides_another_one() -> None:
    nouns = [targets.noun for targets in admin_targets()]
    assert len(nouns) == len(set(nouns))
    assert not set(nouns) & COMMANDS.keys()
