"""Tags: words that owners and administrators give vehicles, to name several at once as `tag:NAME`."""

from __future__ import annotations

from collections.abc import Iterable

from evd.errors import BadRequest

TAG_MAX = 64
"""Characters of a tag."""

PREFIX = "tag:"
"""In a list of vehicles, `tag:NAME` stands for all vehicles that have the tag."""


def checked_tags(given: Iterable[str]) -> tuple[str, ...]:
    """The tags, each once, in their order. Raises BadRequest."""
    for tag in (tags := sorted(set(given))):
        if not 1 <= len(tag) <= TAG_MAX or not tag.isprintable() or " " in tag or "/" in tag:
            raise BadRequest(f"{tag[:40]!r} is no tag: it has 1 to {TAG_MAX} printable characters, no blank and no /")
    return tuple(tags)


def tag_in(given: str) -> str | None:
    """The tag that `tag:NAME` names; None for a vehicle's id. Raises BadRequest."""
    return checked_tags([given.removeprefix(PREFIX)])[0] if given.startswith(PREFIX) else None
