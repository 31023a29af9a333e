"""An example for the help of each command that has none in its docstring, from a table or else the simplest one."""

from __future__ import annotations

from collections.abc import Mapping

import click

EXAMPLES: Mapping[str, str] = {
    "alerts test": "evd alerts test",
    "backfill": "evd backfill --since 2h",
    "decode": "evd decode --format 'load::uint:8 temp::int:8' 2a14",
    "demo": "evd demo --bind 127.0.0.1:8081 --for 60",
    "downlink cancel": "evd downlink cancel 7",
    "downlink list": "evd downlink list 386625",
    "downlink send": "evd downlink send 386625 0102030405060708",
    "event list": "evd event list 386625",
    "event preferences": "evd event preferences martin language=sk quiet_hours=22:00-07:00",
    "event settings": "evd event settings 386625 low_charge=15 temperature_max=35",
    "export": "evd export --format csv --output statuses.csv",
    "fake-fcm": "evd fake-fcm --bind 127.0.0.1:8090 --record pushes.jsonl",
    "forget": "evd forget --user martin",
    "format add": "evd format add trailer 'load::uint:8'",
    "format assign": "evd format assign trailer --device-type 5d8cdc8fe833d938320a1ba4",
    "format check": "evd format check 'load::uint:8 temp::int:12:big-endian:7'",
    "format list": "evd format list",
    "format remove": "evd format remove trailer",
    "format show": "evd format show trailer",
    "format test": "evd format test trailer",
    "import dynamodb": "evd import dynamodb owners.json statuses.json",
    "import firebase": "evd import firebase --dry-run",
    "init": "evd init",
    "key create": "evd key create --role device --vehicle 386625 --name trailer",
    "key import": "evd key import --role sigfox < key.txt",
    "key list": "evd key list",
    "key revive": "evd key revive k_4f2a",
    "key revoke": "evd key revoke k_4f2a",
    "owner add": "evd owner add martin 386625 --viewer",
    "owner list": "evd owner list",
    "owner remove": "evd owner remove martin 386625",
    "push list": "evd push list 386625 --waiting",
    "push pause": "evd push pause",
    "push resume": "evd push resume",
    "push test": "evd push test 386625",
    "push trace": "evd push trace 61b72f2c2ab9d1d9",
    "redecode": "evd redecode --since 7d",
    "registration import": "evd registration import phones.jsonl",
    "registration list": "evd registration list 386625",
    "rejected forget": "evd rejected forget 12 13",
    "rejected list": "evd rejected list --limit 10",
    "rejected replay": "evd rejected replay --all",
    "rejected restore": "evd rejected restore 12 13",
    "rejected show": "evd rejected show 12",
    "reload": "evd reload",
    "serve": "evd serve --bind 127.0.0.1:8080",
    "sigfox check": "evd sigfox check https://evd.example.org",
    "sigfox config": "evd sigfox config --url https://evd.example.org",
    "simulate": "evd simulate --url http://127.0.0.1:8080 --vehicles 10",
    "stats": "evd stats --json",
    "support-bundle": "evd support-bundle evd-support.tar.gz",
    "tail": "evd tail tag:pool",
    "shell": "evd shell < questions.sql",
    "tariff list": "evd tariff list 386625",
    "tariff remove": "evd tariff remove 386625 --number 1",
    "tariff set": "evd tariff set 386625 --price 0.18 --between 22:00-06:00",
    "token create": "evd token create --user martin --scope read --name dashboard",
    "token list": "evd token list",
    "token revoke": "evd token revoke t_4f2a",
    "user add": "evd user add martin",
    "user link": "evd user link martin --url https://evd.example.org",
    "user list": "evd user list",
    "user passwd": "evd user passwd martin",
    "user remove": "evd user remove martin",
    "vehicle claim-code": "evd vehicle claim-code 386625 --viewer --expires 12h",
    "vehicle claim-codes": "evd vehicle claim-codes 386625",
    "vehicle days": "evd vehicle days 386625",
    "vehicle delete": "evd vehicle delete 386625",
    "vehicle ignore": "evd vehicle ignore 386625",
    "vehicle list": "evd vehicle list --stale --sort -age",
    "vehicle log": "evd vehicle log 386625",
    "vehicle merge": "evd vehicle merge 38662 386625",
    "vehicle show": "evd vehicle show 386625",
    "vehicle set": "evd vehicle set 386625 --keep 5000",
    "vehicle tag": "evd vehicle tag 386625 +pool",
    "watch": "evd watch 386625 --json",
}
"""A command's path without `evd` → a line for a shell."""


def with_examples(command: click.Command, path: str) -> click.Command:
    """The command, and those below it, with their examples at the end of their help."""
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            with_examples(below, f"{path} {name}")
    elif command.epilog is None and "Example:" not in (command.help or ""):
        command.epilog = f"Example: {EXAMPLES.get(path) or _simplest(command, path)}"
    return command


_SAMPLES = {"uid": "martin", "name": "trailer", "url": "https://evd.example.org", "file": "evd.jsonl", "number": "7"}


def _simplest(command: click.Command, path: str) -> str:
    """With what the command cannot do without; a vehicle's id stands for what has no sample."""
    words = ["evd", path]
    for parameter in command.params:
        sample = _SAMPLES.get(str(parameter.name), "386625")
        if parameter.required and isinstance(parameter, click.Argument):
            words.append(sample)
        elif parameter.required:
            words += [parameter.opts[0], sample]
    return " ".join(words)
