"""The server: the edge answers ingest requests itself and hands every other connection over to hypercorn.

`edge` attends to all sockets, `connection` is one of them, `http1*` read and write its bytes, `admission` says who has
a place, `handover`, `guarded` and `asgi` are the way to the web application.
"""
