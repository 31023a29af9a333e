"""The formats of an export: each has the same records, written as they come."""

from __future__ import annotations

import csv
import io
import sys
from typing import Any

import orjson
import pytest
from builders import NOW

from evd.errors import ConfigError
from evd.model.connectivity import SIGFOX
from evd.model.kept_status import KeptStatus
from evd.transfer import writers as subject
from evd.transfer.items import status_out
from evd.transfer.writers import EXPORTED, FORMATS

RECORDS = [
    KeptStatus(
        "386625", f"{number:016}", NOW + number, number, SIGFOX, b"\x13", b'{"range":%d}' % number, NOW, "", b"{}", None
    )
    for number in range(3)
]


def written(form: str, *pages: list[Any], table: str = "statuses") -> bytes:
    file = io.BytesIO()
    writer = FORMATS[form](file, EXPORTED[table])
    for page in pages:
        writer.write(page)
    writer.finish()
    assert not file.closed
    return file.getvalue()


@pytest.mark.parametrize("form", ["csv", "ndjson", "dynamodb"])
def test_pages_make_one_file(form: str) -> None:
    assert written(form, RECORDS[:1], [], RECORDS[1:]) == written(form, RECORDS)


@pytest.mark.parametrize("table", EXPORTED)
def test_a_table_without_records_is_its_head(table: str) -> None:
    assert next(csv.reader(io.StringIO(written("csv", table=table).decode()))) == EXPORTED[table].columns.names
    assert written("ndjson", table=table) == written("dynamodb", table=table) == b""


def test_every_format_has_every_record_in_order() -> None:
    for row in (
        [row["range"] for row in csv.DictReader(io.StringIO(written("csv", RECORDS).decode()))],
        [str(orjson.loads(line)["range"]) for line in written("ndjson", RECORDS).splitlines()],
    ):
        assert row == ["0", "1", "2"]
    items = [orjson.loads(line)["Item"] for line in written("dynamodb", RECORDS).splitlines()]
    assert items == [orjson.loads(orjson.dumps(status_out(record))) for record in RECORDS]


def test_parquet_has_the_types_of_the_columns_in_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="the extra evd[parquet] is not installed")
    monkeypatch.setattr(subject, "GROUP_ROWS", 2)
    file = parquet.ParquetFile(io.BytesIO(written("parquet", RECORDS)))
    assert file.num_row_groups == 2 and file.schema_arrow.names == EXPORTED["statuses"].columns.names
    assert file.read().column("range").to_pylist() == [0, 1, 2]


def test_without_pyarrow_parquet_is_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigError, match=r"pip install 'evd\[parquet\]'"):
        written("parquet")
