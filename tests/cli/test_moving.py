"""Moving in and out by the commands, beside a running daemon and without one: exact and repeatable."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import random
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from builders import NOW, arrival, new_store
from daemon_process import READY_S, RunningDaemon, clean_env, init, run_evd, running_daemon
from folders import ROOT

from evd.model.measures import MEASURES
from evd.transfer.columns import STATUSES as STATUSES_COLUMNS

PAGE = (ROOT / "docs/moving-in.md").read_text("utf-8")
VEHICLES = ("386625", "386626", "386627")
SECRET = "fVqSECRETSECRETSECRET"
FIRST_S = 1_700_000_000


def status(number: int) -> dict[str, Any]:
    """Every fifth is a post over WLAN, whose time the original multiplied by 1000, with attributes of any type."""
    vehicle, time = {"S": VEHICLES[number % len(VEHICLES)]}, FIRST_S + 60 * number
    common = {"id": {"S": f"{number * 7919 % 100_003:x}"}, "vehicleId": vehicle, "connectivity": {"N": "1"}}
    if number % 5:
        sigfox = {"seqNumber": {"N": str(number % 4096)}, "rawdata": {"S": f"{number % 256:02x}0a4c0f594e427e4bb45088"}}
        return {**common, **sigfox, "timestamp": {"N": str(time * 1000)}, "state": {"N": str(number % 256 >> 5)}}
    return {
        **common,
        "timestamp": {"N": str((time * 1000 + 5) * 1000)},
        "encoded": {"BOOL": False},
        "indoor_temp": {"N": "21"},
        "current_charge": {"N": str(number % 100)},
        "location": {"S": "-33.9,151.2"},
        "blob": {"B": "aGk="},
        "precise": {"N": "3.14159265358979323846264338327950288"},
        "tags": {"SS": ["b", "a"]},
        "nested": {"M": {"list": {"L": [{"N": "1.0"}, {"NULL": True}]}}},
    }


STATUSES = [status(number) for number in range(2400)]
OWNERS = [
    {"userId": {"S": "anna"}, "vehicleId": {"S": "386625"}, "since": {"N": "2021"}},
    {"userId": {"S": "anna"}, "vehicleId": {"S": "386626"}},
    {"userId": {"S": "ben"}, "vehicleId": {"S": "386626"}},
]
PHONES = [
    {"vehicleId": {"S": "386625"}, "fcmToken": {"S": SECRET}, "renewTimestamp": {"N": "1639400000"}},
    {"vehicleId": {"S": "386626"}, "fcmToken": {"S": f"{SECRET}2"}, "renewTimestamp": {"N": "1639400001"}},
    {"vehicleId": {"S": "386627"}, "fcmToken": {"S": f"{SECRET}3"}, "renewTimestamp": {"N": "1639400002"}},
]
BAD = ["nonsense", '{"Item": {"vehicleId": {"S": "A"}, "timestamp": {"N": "x"}}}', '{"Item": {"colour": {"S": "red"}}}']


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The statuses of an export in two gzip files, in no order, with bad lines; and a scan of the two small tables."""
    folder = tmp_path_factory.mktemp("moving")
    shuffled = random.Random(14).sample(STATUSES, len(STATUSES))
    lines = [json.dumps({"Item": item}) for item in shuffled]
    lines[100:100] = BAD
    for number in (0, 1):
        text = "\n".join(lines[number::2]) + "\n"
        (folder / f"{number}.json.gz").write_bytes(gzip.compress(text.encode()))
    (folder / "scan.json").write_text(json.dumps({"Items": [*PHONES, *OWNERS], "Count": 6}, indent=4), "utf-8")
    return [folder / "0.json.gz", folder / "1.json.gz", folder / "scan.json"]


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    with running_daemon(tmp_path_factory.mktemp("daemon") / "evd") as one:
        yield one


@pytest.fixture(scope="module")
def filled(daemon: RunningDaemon, files: list[Path]) -> RunningDaemon:
    moved_in(daemon.directory, files)
    return daemon


def items(path: Path) -> list[str]:
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return sorted(json.dumps(json.loads(line)["Item"], sort_keys=True) for line in text.splitlines())


def moved_in(directory: Path, files: list[Path], *more: str) -> Any:
    done = run_evd("import", "dynamodb", *files, "--dir", directory, "--json", *more)
    assert done.returncode == 6, f"some lines are bad: {done.stderr}"
    assert SECRET not in done.stdout + done.stderr
    return json.loads(done.stdout)


def moved_out(directory: Path, output: Path, *more: str) -> Path:
    done = run_evd("export", "--dir", directory, "--output", output, *more)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    return output


def assert_moved(directory: Path, files: list[Path], folder: Path) -> None:
    tried = moved_in(directory, files, "--dry-run")
    assert tried["tables"]["statuses"]["readable"] == len(STATUSES) and tried["dry_run"]
    found = moved_in(directory, files)
    assert found["tables"] == {
        "statuses": {"read": 2401, "new": 2400, "known": 0, "too_old": 0},
        "owners": {"read": 3, "new": 3, "known": 0, "too_old": 0},
        "registrations": {"read": 3, "new": 1, "known": 0, "too_old": 0},
    }
    skipped = {one["reason"]: one for one in found["skipped"]}
    assert {reason: one["count"] for reason, one in skipped.items()} == {
        "not JSON": 1,
        "invalid attributes": 1,
        "of no known table": 1,
        "Several owners": 1,
        "Owner unknown": 1,
    }
    assert skipped["not JSON"]["example"]["line"] == 51 and skipped["not JSON"]["example"]["file"] == str(files[0])
    again = moved_in(directory, files, "--user", "ben")["tables"]
    assert again["statuses"] == {"read": 2401, "new": 0, "known": 2400, "too_old": 0}
    assert again["owners"]["new"] == 0 and again["registrations"] == {"read": 3, "new": 1, "known": 1, "too_old": 0}
    out = moved_out(directory, folder / "statuses.json.gz", "--format", "dynamodb", "--gzip")
    assert items(out) == sorted(json.dumps(item, sort_keys=True) for item in STATUSES)
    out = moved_out(directory, folder / "owners.json", "--format", "dynamodb", "--table", "owners")
    assert items(out) == sorted(json.dumps(item, sort_keys=True) for item in OWNERS)
    out = moved_out(directory, folder / "phones.json", "--format", "dynamodb", "--table", "registrations")
    assert items(out) == sorted(json.dumps(item, sort_keys=True) for item in PHONES[:2])
    assert out.stat().st_mode & 0o777 == 0o600 and not list(folder.glob("*.unfinished"))


def test_a_round_trip_beside_the_daemon_is_exact(daemon: RunningDaemon, files: list[Path], tmp_path: Path) -> None:
    assert_moved(daemon.directory, files, tmp_path)
    headers = {"x-api-key": daemon.keys["admin"]}
    listed = httpx.get(f"{daemon.url}/api/v1/vehicles", headers=headers).json()
    (fleet,) = (one for one in listed if one["vehicle"] == VEHICLES[0])
    assert (fleet["kept"], fleet["last_time"]) == (800, "2023-11-16T14:10:20.000Z"), "in the order of their times"
    one = {name: next(iter(value.values())) for name, value in STATUSES[1].items()}
    sent = {"device": one["vehicleId"], "time": FIRST_S + 60, "data": one["rawdata"], "seqNumber": 1}
    answer = httpx.post(f"{daemon.url}/sigfox/uplink", json=sent, headers={"x-api-key": daemon.keys["sigfox"]})
    shown = run_evd("export", "--dir", daemon.directory, "--format", "ndjson", "--vehicle", one["vehicleId"]).stdout
    ids = [json.loads(line)["id"] for line in shown.splitlines()]
    assert ids.count(answer.headers["x-status-id"]) == 1 and len(ids) == 800, "its callback was imported already"


def test_a_round_trip_without_a_daemon_is_exact_and_a_ring_keeps_the_newest(files: list[Path], tmp_path: Path) -> None:
    directory = tmp_path / "evd"
    init(directory)
    (directory / "evd.toml").write_text("[retention]\nstatuses_per_vehicle = 100\n", "utf-8")
    assert moved_in(directory, files)["tables"]["statuses"]["new"] == 2400
    assert moved_in(directory, files)["tables"]["statuses"] == {"read": 2401, "new": 0, "known": 300, "too_old": 2100}
    out = moved_out(directory, tmp_path / "out.json", "--format", "dynamodb")
    assert items(out) == sorted(json.dumps(item, sort_keys=True) for item in STATUSES[-300:])
    second = tmp_path / "second"
    init(second)
    done = run_evd("import", "dynamodb", "-", "--dir", second, "--json", stdin=out.read_text())
    assert done.returncode == 0 and json.loads(done.stdout)["tables"]["statuses"]["new"] == 300
    assert items(moved_out(second, tmp_path / "again.json", "--format", "dynamodb")) == items(out)


def test_rows_are_of_the_span_and_the_vehicle(filled: RunningDaemon, tmp_path: Path) -> None:
    directory = filled.directory
    span = (
        "--vehicle",
        "386625",
        "--vehicle",
        "00386626",
        "--from",
        "2023-11-15",
        "--until",
        "2023-11-15T23:59:59.999Z",
    )
    text = moved_out(directory, tmp_path / "a.csv", "--format", "csv", *span).read_text("utf-8")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert {row["vehicle"] for row in rows} == {"386625", "386626"}
    assert rows and all(row["time"].startswith("2023-11-15T") for row in rows)
    assert rows == sorted(rows, key=lambda row: (row["vehicle"], row["time_ms"]))
    assert {row["location"] for row in rows} == {"", "'-33.9,151.2"}
    assert all(row["received"] == row["time"] for row in rows), "an old status is no news for a phone"
    done = run_evd("export", "--dir", directory, "--format", "ndjson", *span)
    documents = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["id"] for one in documents] == [row["id"] for row in rows]
    assert {one.get("location") for one in documents} == {None, "-33.9,151.2"}
    for form in ("csv", "ndjson"):
        shown = run_evd("export", "--dir", directory, "--format", form, "--table", "registrations").stdout
        assert SECRET[:8] in shown and SECRET not in shown


def test_parquet_has_the_same_rows_in_typed_columns(filled: RunningDaemon, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pip install 'evd[parquet]' brings pyarrow")
    directory = filled.directory
    table = parquet.read_table(moved_out(directory, tmp_path / "a.parquet", "--format", "parquet"))
    text = run_evd("export", "--dir", directory, "--format", "csv").stdout
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert (table.num_rows, table.schema.names) == (len(rows), list(rows[0]))
    assert table.column("time_ms").to_pylist() == [int(row["time_ms"]) for row in rows]
    assert str(table.schema.field("current_charge").type) == "double"


def test_without_pyarrow_parquet_is_refused_in_a_sentence(daemon: RunningDaemon, tmp_path: Path) -> None:
    (tmp_path / "pyarrow.py").write_text("raise ImportError('as if it were not installed')\n")
    export = ("export", "--dir", daemon.directory, "--format", "parquet", "--output", tmp_path / "x")
    command = [sys.executable, "-m", "evd", *export]
    env = clean_env({"PYTHONPATH": str(tmp_path)})
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "pip install 'evd[parquet]'" in done.stderr
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("x")] == [], "no half a file stays"


def test_the_commands_of_the_page_run(files: list[Path], tmp_path: Path) -> None:
    scanned = json.loads(files[2].read_text("utf-8"))["Items"]
    (tmp_path / "phones.json").write_text(json.dumps({"Items": scanned[:1]}), "utf-8")
    (tmp_path / "owners.json").write_text(json.dumps({"Items": scanned[3:]}), "utf-8")
    statuses = "".join(json.dumps({"Item": item}) + "\n" for item in STATUSES[:50])
    (tmp_path / "statuses.json.gz").write_bytes(gzip.compress(statuses.encode()))
    commands = [shlex.split(line) for line in PAGE.splitlines() if line.startswith("evd ") and "`" not in line]
    file = re.compile(r"[\w.]+\.(json|json\.gz|csv|ndjson)")
    with running_daemon(tmp_path / "evd"):
        for command in commands:
            words = [word.replace("statuses/*.json.gz", "statuses.json.gz") for word in command[1:]]
            paths = [tmp_path / word if file.fullmatch(word) else word for word in words]
            done = run_evd(*paths, "--dir", tmp_path / "evd")
            assert (done.returncode, SECRET in done.stdout + done.stderr) == (0, False), (command, done.stderr)
    assert len(commands) == 8 and {"march.ndjson", "owners.csv"} <= {path.name for path in tmp_path.iterdir()}
    assert len(items(tmp_path / "statuses.json.gz")) == 50


def test_the_page_has_every_measure_with_its_unit() -> None:
    for name, measure in MEASURES.items():
        assert re.search(rf"\| `{name}` \| [^|]*{re.escape(measure.unit)}", PAGE), name
    for name in {*STATUSES_COLUMNS.names} - MEASURES.keys():
        assert f"`{name}`" in PAGE


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("import", "dynamodb", "/nowhere.json"), "/nowhere.json is no file"),
        (("import", "dynamodb", "-", "-"), "name - once"),
        (("export", "--format", "csv", "--vehicle", "FFFF"), "vehicle FFFF is unknown"),
        (("export", "--format", "csv", "--from", "2d", "--until", "3d"), "--from is behind --until"),
        (("export", "--format", "csv", "--table", "owners", "--from", "2d"), "--from and --until choose statuses"),
        (("export", "--format", "parquet", "--gzip", "--output", "x"), "omit --gzip"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(daemon: RunningDaemon, arguments: tuple[str, ...], said: str) -> None:
    done = run_evd(*arguments, "--dir", daemon.directory)
    assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr


def test_an_import_that_is_stopped_says_so(daemon: RunningDaemon, tmp_path: Path) -> None:
    lines = [json.dumps({"Item": item}).encode() + b"\n" for item in STATUSES[:10]]
    command = [sys.executable, "-m", "evd", "import", "dynamodb", "-", "--dir", daemon.directory, "--dry-run", "--json"]
    env = clean_env({"TMPDIR": str(tmp_path)})
    with subprocess.Popen(
        command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        process.stdin.writelines(lines)
        process.stdin.flush()
        deadline = time.monotonic() + READY_S
        while not list(tmp_path.glob("evd-sort-*")):  # from then on it reads
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        process.stdin.write(lines[0])
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130 and b"run the same command again" in err
    assert json.loads(out)["complete"] is False and list(tmp_path.iterdir()) == []


def test_a_reader_that_has_enough_is_no_error(filled: RunningDaemon) -> None:
    command = [sys.executable, "-m", "evd", "export", "--format", "ndjson", "--dir", filled.directory]
    with subprocess.Popen(command, env=clean_env(), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        assert json.loads(process.stdout.readline())["vehicle"] == "386625"
        process.stdout.close()
        assert (process.stderr.read(), process.wait(READY_S)) == (b"", 0)


def test_what_the_daemon_refuses_costs_itself_only(filled: RunningDaemon) -> None:
    def imported(table: str, *things: Any) -> Any:
        answer = httpx.post(
            f"{filled.url}/api/v1/import/{table}", json={"items": things}, headers={"x-api-key": filled.keys["admin"]}
        )
        return answer.json()["verdicts"] if answer.status_code == 200 else answer.status_code

    def status(**values: Any) -> dict[str, Any]:
        return {"document": {"vehicleId": "B7", "timestamp": FIRST_S, "state": 1, **values}, "connectivity": 2}

    deep: Any = 7
    for _ in range(200):
        deep = [deep]
    odd = {**status(), "connectivity": 3}
    verdicts = imported("statuses", status(), status(mine=deep), odd, status(rawdata="xyz"), status(state=2), status())
    words = [one if isinstance(one, str) else one["error"] for one in verdicts]
    assert words == ["newest", "Body parsing error", "Bad request", "Bad request", "newest", "duplicate"]
    assert imported("owners", *[{"uid": "a", "vehicle": "B7"}] * 1001) == 400
    owners = [{"uid": uid, "vehicle": vehicle} for uid in ("anna", "ben", "", "x" * 999) for vehicle in ("B7",)]
    assert [type(one) for one in imported("owners", *owners)] == [str, str, dict, dict]
    phone = {"vehicle": "B7", "token": f"{SECRET}7"}
    (several,) = imported("registrations", phone)
    assert several["error"] == "Several owners" and "--user" in several["detail"]
    assert imported("registrations", {**phone, "uid": "ben"}, {**phone, "uid": "ben"}) == ["new", "known"]
    assert imported("owners", {"uid": "anna", "vehicle": "B8"}) == ["new"]
    (foreign,) = imported("registrations", {**phone, "vehicle": "B8"})
    assert foreign["error"] == "Phone of another user" and SECRET not in str(foreign)


def peak_kib(*command: str | Path) -> int:
    """The most memory of a command, as the kernel counted it."""
    whole = [sys.executable, "-m", "evd", *map(str, command)]
    process = subprocess.Popen(whole, env=clean_env(), stdout=subprocess.DEVNULL)
    _, code, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(code)
    assert process.returncode == 0
    return usage.ru_maxrss


def test_an_export_needs_no_more_memory_for_more_rows(tmp_path: Path) -> None:
    """Of 16,000 statuses with 32 MiB of documents, against one vehicle's 1,000."""
    directory = tmp_path / "evd"
    init(directory)
    store = new_store(directory / "evd.db", capacity=1000)
    document = json.dumps({"dynamodb": {}, "text": "x" * 2000}).encode()
    for vehicle in range(16):
        store.write([arrival(f"{vehicle:X}", time=NOW + 1000 * n, seq=n, document=document) for n in range(1000)])
    store.close()
    with running_daemon(directory, keys={}):
        few = peak_kib("export", "--dir", directory, "--format", "dynamodb", "--vehicle", "0")
        many = peak_kib("export", "--dir", directory, "--format", "dynamodb")
    assert many - few < 8 * 1024, f"{few} KiB grew to {many} KiB"
