"""The formats of an export, each written as a stream: CSV, NDJSON, Parquet, and DynamoDB's items as JSON lines.

A format is a class and a row of FORMATS; a table of what evd keeps is a row of EXPORTED.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, BinaryIO, NamedTuple, Protocol

import orjson

from evd.errors import ConfigError
from evd.transfer import columns
from evd.transfer.columns import FLAG, REAL, TEXT, WHOLE, ExportColumns, Row, csv_lines, json_line
from evd.transfer.items import owner_out, registration_out, status_out

GROUP_ROWS = 5_000
"""Rows of one row group of Parquet, which are in memory together: some MB."""


class ExportedTable(NamedTuple):
    """How a record of this table becomes a row, and an item of DynamoDB."""

    columns: ExportColumns
    row: Callable[[Any], dict[str, Any]]
    item: Callable[[Any], Mapping[str, Any]]


EXPORTED: dict[str, ExportedTable] = {
    "statuses": ExportedTable(columns.STATUSES, columns.status_row, status_out),
    "registrations": ExportedTable(columns.REGISTRATIONS, columns.registration_row, registration_out),
    "owners": ExportedTable(columns.OWNERS, columns.owner_row, owner_out),
}


class ExportWriter(Protocol):
    """Writes the records of one table to a file, which stays open."""

    def write(self, records: Sequence[Any]) -> None: ...

    def finish(self) -> None: ...


class CsvWriter:
    def __init__(self, file: BinaryIO, table: ExportedTable) -> None:
        self._file = file
        self._row = table.row
        self._names = table.columns.names
        file.write(csv_lines([self._names]))

    def write(self, records: Sequence[Any]) -> None:
        rows = map(self._row, records)
        self._file.write(csv_lines([row[name] for name in self._names] for row in rows))

    def finish(self) -> None: ...


class NdjsonWriter:
    def __init__(self, file: BinaryIO, table: ExportedTable) -> None:
        self._file = file
        self._row = table.row

    def write(self, records: Sequence[Any]) -> None:
        self._file.writelines(json_line(self._row(record)) for record in records)

    def finish(self) -> None: ...


class DynamodbWriter:
    """As DynamoDB's export to S3 has them: `{"Item": {…}}` on each line."""

    def __init__(self, file: BinaryIO, table: ExportedTable) -> None:
        self._file = file
        self._item = table.item

    def write(self, records: Sequence[Any]) -> None:
        lines = (orjson.dumps({"Item": self._item(one)}, option=orjson.OPT_APPEND_NEWLINE) for one in records)
        self._file.writelines(lines)

    def finish(self) -> None: ...


class ParquetWriter:
    """Raises ConfigError where the package pyarrow is not installed."""

    def __init__(self, file: BinaryIO, table: ExportedTable) -> None:
        try:
            import pyarrow
            from pyarrow import parquet
        except ImportError:
            raise ConfigError(
                "Parquet needs the package pyarrow, which is not installed: pip install 'evd[parquet]'"
            ) from None
        types = {TEXT: pyarrow.string(), WHOLE: pyarrow.int64(), REAL: pyarrow.float64(), FLAG: pyarrow.bool_()}
        self._schema = pyarrow.schema([(name, types[kind]) for name, kind in table.columns.types.items()])
        self._table_of = pyarrow.Table.from_pydict
        self._row = table.row
        self._rows: list[Row] = []
        self._writer = parquet.ParquetWriter(file, self._schema)

    def write(self, records: Sequence[Any]) -> None:
        for record in records:
            self._rows.append(self._row(record))
            if len(self._rows) >= GROUP_ROWS:
                self._write_group()

    def finish(self) -> None:
        self._write_group()
        self._writer.close()

    def _write_group(self) -> None:
        values = {name: [row[name] for row in self._rows] for name in self._schema.names}
        self._writer.write_table(self._table_of(values, schema=self._schema))
        self._rows = []


FORMATS: dict[str, Callable[[BinaryIO, ExportedTable], ExportWriter]] = {
    "csv": CsvWriter,
    "ndjson": NdjsonWriter,
    "parquet": ParquetWriter,
    "dynamodb": DynamodbWriter,
}
