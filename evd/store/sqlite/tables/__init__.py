"""The small tables: one function for each operation, executed inside the caller's transaction.

Begin with `handlers`, which maps operations to functions.
"""
