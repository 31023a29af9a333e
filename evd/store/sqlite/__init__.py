"""The SQLite engine: rings by slot, small tables, one writing connection, and a thread that commits.

Begin with `engine`; `rings` and the `ring_*` modules keep statuses, `tables` all else, `read` answers questions.
"""
