"""The SQLite engine: rings made of slots, small tables, one writing connection, and a thread that commits.

Begin with `engine`. `rings` and the `ring_*` modules keep statuses, `tables` everything else; `read` has the queries.
"""
