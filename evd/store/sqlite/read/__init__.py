"""Queries, each in a transaction of its own on a read-only connection.

Begin with `statuses`, which the API uses; `connections` distributes the readers among the requesters.
"""
