"""Questions, each in a transaction of its own on a read-only connection.

Begin with `statuses`, which the API asks; `connections` shares the readers out between those who ask.
"""
