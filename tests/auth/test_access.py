"""The rows of ACCESS: which a route has, whom it lets in."""

from __future__ import annotations

import pytest

from evd.auth.access import ACCESS, AccessRow, as_listed, row_of


@pytest.mark.parametrize("rule", ["/android/last", "/v2/android/last/", "/v3/android/last"])
def test_a_path_of_the_originals_has_one_row_for_all_its_spellings(rule: str) -> None:
    assert row_of("GET", rule) is row_of("HEAD", rule) is row_of("GET", "/android/last")
    assert row_of("POST", rule) is None


def row(method: str, rule: str) -> AccessRow:
    found = row_of(method, rule)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("method", "rule", "roles", "argument"),
    [
        ("GET", "/android/last", {"app", "admin"}, None),  # its vehicle is in the query
        ("POST", "/android/fcm-register", {"app"}, None),
        ("POST", "/sigfox/downlink", {"sigfox", "admin"}, None),
        ("GET", "/api/v1/keys", {"admin"}, None),
        ("DELETE", "/api/v1/session", {"app"}, None),
        ("GET", "/api/v1/vehicles/<given>", {"app", "admin"}, "given"),
        ("DELETE", "/api/v1/vehicles/<given>/owners/<name>", {"app", "admin"}, "given"),
        ("PATCH", "/api/v1/vehicles/<given>", {"admin"}, None),  # an administrator's relation is to no vehicle
    ],
)
def test_a_row_says_which_keys_it_takes_and_where_its_vehicle_stands(
    method: str, rule: str, roles: set[str], argument: str | None
) -> None:
    found = row(method, rule)
    assert (set(found.key_roles), found.vehicle_argument) == (roles, argument)


@pytest.mark.parametrize(
    ("rule", "listed"),
    [
        ("/v2/sigfox/uplink/", "/sigfox/uplink"),
        ("/v3", "/v3"),
        ("/v3/", "/"),
        ("/", "/"),
        ("/v30/online", "/v30/online"),
        ("/api/v1/vehicles/", "/api/v1/vehicles/"),  # of the new API one spelling only
    ],
)
def test_how_a_rule_is_listed(rule: str, listed: str) -> None:
    assert as_listed(rule) == listed


def test_a_head_has_its_own_row_or_that_of_get_and_nothing_else() -> None:
    assert row("HEAD", "/online").method == "HEAD" and row_of("GET", "/online") is None
    assert row("HEAD", "/api/v1/vehicles") is row("GET", "/api/v1/vehicles")
    assert row_of("HEAD", "/api/v1/reload") is None


def test_what_only_a_person_or_a_user_may_do_is_no_administrators_secret() -> None:
    """A new row cannot by mistake ask for what no caller can be, or let a token do more than its user."""
    for one in ACCESS:
        assert one.relation != "admin" or (one.admin and not one.person), one
        assert not one.narrows or one.relation == "user", one
        assert one.scope == "read" or one.method not in ("GET", "HEAD") or one.scope == "ingest", one
