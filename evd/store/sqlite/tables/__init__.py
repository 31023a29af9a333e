"""The small tables: for each operation the function that does it inside the caller's transaction.

Begin with `handlers`: it maps operations to functions.
"""
