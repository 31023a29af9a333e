"""Which names indicate a secret: a table of words, and how a name is split into words.

There are two rules. An *accepted* request holds a vehicle's own fields, whose names are its maker's: `key_fob`,
`session` and `code` are values there, so only what is certain is masked. A *refused* request is kept for its operator
to look at, so there a doubt is enough.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import unquote

from evd.model.measures import ALIASES, MEASURES
from evd.sigfox.kinds.registry import VARIABLES

ALWAYS = 0

WORDS: Mapping[str, int] = {
    **dict.fromkeys(("token", "tokens", "jwt", "bearer", "authorization"), ALWAYS),
    **dict.fromkeys(("password", "passwords", "passwd", "passwort", "passphrase", "passcode", "pwd"), ALWAYS),
    **dict.fromkeys(("secret", "secrets", "credential", "credentials", "cookie", "cookies", "apikey"), ALWAYS),
    **dict.fromkeys(("pw", "otp", "totp"), 1),  # pw is power, too, but that is a number
    **dict.fromkeys(("pin", "pass", "auth"), 8),  # of a plug, of a test, of a user: words
    **dict.fromkeys(("key", "keys", "code", "session", "sid", "sessionid"), 16),  # of a lock, of an error, of charging
    **dict.fromkeys(("sig", "signature", "hmac", "sas", "nonce", "ticket", "licence", "license"), 16),
}
"""Last word of a name → from how many characters on its text counts as a secret in an accepted request.

ALWAYS: also numbers and lists. In a refused request a name with any of these words at any position counts.
"""

ENDINGS = (
    *("token", "password", "passwd", "passphrase", "secret", "credential", "credentials", "authorization"),
    *("apikey", "accesskey", "secretkey", "privatekey", "authkey", "appkey", "clientkey", "devicekey", "masterkey"),
    *("sharedkey", "accountkey", "hostkey", "functionkey", "functionskey", "subscriptionkey", "signingkey"),
    *("encryptionkey", "evdkey", "sigfoxkey"),
)
"""A name with one of these endings always counts, however its words are joined: `accesstoken`, `x-functions-key`."""

STEMS = (
    "token",
    "passw",
    "passphrase",
    "secret",
    "credential",
    "apikey",
    "authoriz",
    "authent",
    "signature",
    "session",
)
"""In a refused request a name that contains one of these counts."""

WHOLE = frozenset({"key", "keys"})
"""Names that always count if they are the whole name: evd's own form field, and the like."""

SIGFOX = (VARIABLES | MEASURES.keys() | ALIASES.keys()) - WHOLE
"""Names with a meaning in a callback, which never indicate a secret."""

NAME_MAX = 256
"""Characters of a name that are examined, from its end; no real name is longer."""

UNFOLDED_MAX = 4
"""How many nested encodings are decoded to examine a text: each parser that a callback passes removes one."""

_word = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")  # a number behind a word does not make it another word
_escape = re.compile(r"\\+(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2}))")


def from_length(name: str) -> int | None:
    """From how many characters on a text under this name is a secret if it is accepted; None: never by its name."""
    return _judged(name[-NAME_MAX:])[0]


def is_suspect(name: str) -> bool:
    """Whether the value of this name is masked in a refused request."""
    return _judged(name[-NAME_MAX:])[1]


@lru_cache(maxsize=2048)
def _judged(name: str) -> tuple[int | None, bool]:
    words = _words(name)
    if not words or name in SIGFOX:
        return None, False
    joined = "".join(words)
    if joined in WHOLE or joined.endswith(ENDINGS):
        return ALWAYS, True
    suspect = joined in WORDS or any(word in WORDS for word in words) or any(stem in joined for stem in STEMS)
    return WORDS.get(joined, WORDS.get(words[-1])), suspect


def _words(name: str) -> tuple[str, ...]:
    """The words in lower case, with any separator: `x-api-key`, `apiKey`, `API_KEY`, `"k\\u0065y"`, `%6bey`."""
    return tuple(word.lower() for word in _word.findall(_unfolded(name)))


def _unfolded(name: str) -> str:
    for _ in range(UNFOLDED_MAX):
        plain = unquote(_escape.sub(_character, name)) if "\\" in name or "%" in name else name
        if plain == name:
            break
        name = plain
    return name


def _character(escape: re.Match[str]) -> str:
    return chr(int(escape[1] or escape[2], 16))
