"""One-time sign-in links."""

from __future__ import annotations

from evd.auth.sign_in_links import GOOD_FOR_MS, LINKS_MAX, SignInLinks

NOW = 1_764_277_200_000


def test_a_code_is_good_once() -> None:
    links = SignInLinks()
    code, expires = links.make("anna", NOW)
    assert expires == NOW + GOOD_FOR_MS
    assert links.take(code[:-1] + ("a" if code[-1] != "a" else "b"), NOW) is None
    assert links.take(code, NOW + 1) == "anna"
    assert links.take(code, NOW + 2) is None


def test_a_code_expires() -> None:
    links = SignInLinks()
    code, expires = links.make("anna", NOW)
    assert links.take(code, expires) is None
    assert links.take(code, NOW) is None, "whoever tries too late has used it up"


def test_the_oldest_of_too_many_ends() -> None:
    links = SignInLinks()
    codes = [links.make(f"u{number}", NOW)[0] for number in range(LINKS_MAX + 1)]
    assert links.take(codes[0], NOW) is None
    assert links.take(codes[1], NOW) == "u1"
    assert links.take(codes[-1], NOW) == f"u{LINKS_MAX}"
