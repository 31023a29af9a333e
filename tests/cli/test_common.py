"""What the commands share: ids as parts of paths, and ends that are sentences."""

from __future__ import annotations

import pytest

from evd.cli import cli, main
from evd.cli.common import path_part
from evd.errors import ConfigError


@pytest.mark.parametrize("text", ["", "a/b", "\udcff", "a\nb"])
def test_what_can_be_no_part_of_a_path_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(ConfigError, match="is not an id or a name: use printable characters"):
        path_part(text)


def test_a_part_of_a_path_is_quoted() -> None:
    assert path_part("Ä b?") == "%C3%84%20b%3F"


def test_an_interrupt_out_of_nurseries_ends_a_command_without_a_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: object, **options: object) -> None:
        raise BaseExceptionGroup("nursery", [BaseExceptionGroup("inner", [KeyboardInterrupt()])])

    monkeypatch.setattr(cli, "main", interrupted)
    with pytest.raises(SystemExit) as ended:
        main(["vehicle", "list"])
    assert ended.value.code == 130
    assert capsys.readouterr().err == "evd: interrupted\n"
