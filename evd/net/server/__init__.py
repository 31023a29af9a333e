"""The server: the edge answers ingest requests itself and hands every other connection over to hypercorn.

`edge` serves all sockets, `connection` is one of them, `phases` are what it waits for, `http1*` parse and write their
bytes, `admission` decides which connections stay; `handover`, `guarded_*`, `read_deadline` and `asgi` lead to the web
application.
"""
