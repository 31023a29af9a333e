"""Text that did not come from evd, as a terminal, a log line or a table may show it.

Control characters (C0, DEL, C1) move a terminal's cursor and change its state, bidi controls turn a line round, line
breaks fake further lines, and what has no width hides: they are shown as U+FFFD, one for one.
"""

from __future__ import annotations

import re
import unicodedata

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

MARKS_MAX = 4
"""Accents on one letter: languages need two or three, and a pile of them covers the lines above."""

#: Printable for Python, and yet nothing to see: fillers and joiners that are no format characters.
_UNSEEN = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
_unseen = re.compile(f"[{_UNSEEN}]")
_marks = re.compile(
    rf"(?<=[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{{{MARKS_MAX}}})"
    r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
)


def one_line(text: str) -> str:
    """The text in one line, whatever is in it."""
    if text.isascii() and text.isprintable():
        return text
    return _marks.sub(REPLACEMENT, _unseen.sub(REPLACEMENT, "".join(map(_shown, text))))


def lines(text: str) -> str:
    """The text with its line ends and tabs, each line as `one_line` gives it."""
    return "\n".join("\t".join(map(one_line, line.split("\t"))) for line in text.replace("\r\n", "\n").split("\n"))


def excerpt(text: str, length: int) -> str:
    """The beginning of a foreign text: one line of at most `length` characters, all of them visible."""
    return one_line(text[:length]).replace(REPLACEMENT, "")


def json_text(text: str) -> str:
    """A JSON text that says the same, every character of which may be shown."""
    if text.isascii():  # JSON itself escapes what is below a blank, but for DEL
        return text.replace("\x7f", "\\u007f")
    return "".join(one if one in "\n\t" or _is_shown(one) else _escaped(one) for one in text)


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    return " " if unicodedata.category(character) == "Zs" else REPLACEMENT


def _is_shown(character: str) -> bool:
    return character.isprintable() and character not in _UNSEEN


def _escaped(character: str) -> str:
    pair = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{pair[at : at + 2].hex()}" for at in range(0, len(pair), 2))
