"""Moving data in and out: DynamoDB items, rows for CSV, NDJSON and Parquet, exports as files, and a sort on disk.

May import: model, sigfox, push and store. Begin with `evd.transfer.items`; a table of the original system is
a row of `TABLES` there. `descriptors` and `columns` are pure as well; `reading` and `sorting` know files, `writers` the
formats of an export.
"""
