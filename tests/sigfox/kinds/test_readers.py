"""What several kinds read in the same way."""

from __future__ import annotations

from callback_reports import reported

from evd.model.operations import Note


def test_a_note_is_one_printable_line_of_bounded_length() -> None:
    (note,) = reported("error", info="a\n\x1b[31mb\x00 " + "é" * 10_000, severity="ERROR").operations
    assert isinstance(note, Note)
    assert note.text.startswith("a [31mb ééé")
    assert note.text.isprintable()
    assert len(note.text) == 300
