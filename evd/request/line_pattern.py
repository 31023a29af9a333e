"""The layout of a line or a text body: Sigfox's linePattern, variables in braces with separators between them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from evd.errors import BadRequest, ConfigError
from evd.redaction.names import ALWAYS, from_length
from evd.redaction.shapes import MASK

_name = re.compile(r"(?:customData#)?([A-Za-z_][A-Za-z0-9_#-]*)")
_BLANKS = " \t\r\n"
_blank = re.compile(r"\s")
_lines = re.compile("(\r\n|\r|\n)")


class LinePattern:
    """A compiled pattern such as `{device};{time};{data};{seqNumber};`; `{customData#name}` yields the field `name`.

    A line is read from one separator to the next without backtracking, in time linear in its length.
    """

    def __init__(self, text: str, names: list[str], texts: list[str]) -> None:
        """`texts` are the texts before, between and after the variables `names`: one more than those. See `parse`."""
        self.text = text
        self.names = tuple(names)
        self.secrets = tuple(name for name in names if from_length(name) == ALWAYS)
        """Those of `names` whose values are always secrets."""
        self._before, *self._between, self._after = texts
        #: The separator that a line may have once too often at its end.
        self._separator = (self._after or (self._between[-1] if self._between else "")).strip(_BLANKS)
        #: The separator of a pattern that has only one, as nearly all do: such a line is split in one call.
        alike = not self._before and {*self._between, self._after or self._separator} == {self._separator}
        self._splits_at = self._separator if alike and self._separator and not _blank.search(self._separator) else ""
        # A blank that is a separator is not trimmed: an empty last value would lose its separator.
        self._blanks = "".join(blank for blank in _BLANKS if all(blank not in text for text in texts))

    @classmethod
    def parse(cls, text: str) -> LinePattern:
        """Compile a pattern. Raises ConfigError."""
        names: list[str] = []
        texts: list[str] = []
        for literal, name in _parts(text.strip("\r\n")):
            if name in names:
                raise ConfigError(f"the pattern {text!r} has {{{name}}} twice: leave one out")
            if names and not literal and name is not None:
                raise ConfigError(
                    f"the pattern {text!r} has nothing between {{{names[-1]}}} and {{{name}}}: put a separator there"
                )
            texts.append(literal)
            if name is not None:
                names.append(name)
        if not names:
            raise ConfigError(f"the pattern {text!r} has no variables: write it like {{device}};{{time}};{{data}}")
        return cls(text, names, texts)

    def read(self, line: str) -> dict[str, str]:
        """Variable → its text, which may be empty; blanks around it are trimmed.

        The last variable takes the rest of the line, without separators at its end: there may be fewer or more of them
        than in the pattern. Raises BadRequest.
        """
        if self._splits_at and not _blank.search(line):
            parts = line.split(self._splits_at)
            surplus = len(parts) - len(self.names)
            if surplus == 0 or (surplus == 1 and not parts[-1]):
                return dict(zip(self.names, parts, strict=False))
        return self._walk(line)

    def masked(self, lines: str) -> str:
        """The lines without the values of variables whose names are a secret's, such as {key}.

        A line that does not fit the pattern is removed whole, because its secret may be anywhere in it.
        """
        if not self.secrets:
            return lines
        return "".join(self._masked_line(one) if one.strip() else one for one in _lines.split(lines))

    def _masked_line(self, line: str) -> str:
        try:
            values = self.read(line)
        except BadRequest:
            return MASK
        values |= {name: MASK for name in self.secrets if values[name]}
        texts = (self._before, *self._between, self._after)
        return texts[0] + "".join(value + text for value, text in zip(values.values(), texts[1:], strict=True))

    def _walk(self, line: str) -> dict[str, str]:
        """Read any line, from one separator to the next."""
        line = line.strip(self._blanks)
        if not line.startswith(self._before):
            raise self._refusal(f"does not begin with {self._before!r}")
        values: dict[str, str] = {}
        start = len(self._before)
        for name, separator in zip(self.names, self._between, strict=False):
            end = line.find(separator, start)
            if end < 0:
                raise self._refusal(f"lacks {separator!r} after {name}")
            values[name] = line[start:end].strip(_BLANKS)
            start = end + len(separator)
        values[self.names[-1]] = self._last(line, start)
        return values

    def _last(self, line: str, start: int) -> str:
        rest = line[start:].strip(_BLANKS)
        end = len(rest)
        if self._separator:
            while rest.endswith(self._separator, 0, end):
                end -= len(self._separator)
        return rest[:end].strip(_BLANKS)

    def _refusal(self, fault: str) -> BadRequest:
        return BadRequest(f"the line {fault}: the pattern is {self.text!r}", error="Line parsing error")


def _parts(text: str) -> Iterator[tuple[str, str | None]]:
    """Each variable with the text before it; finally the text after the last variable, with None."""
    position = 0
    while (opening := text.find("{", position)) >= 0:
        closing = text.find("}", opening)
        match = _name.fullmatch(text, opening + 1, closing) if closing >= 0 else None
        if match is None:
            raise ConfigError(
                f"the pattern {text!r} has no variable in braces at character {opening}: write it like {{device}}"
            )
        yield text[position:opening], match[1]
        position = closing + 1
    yield text[position:], None
