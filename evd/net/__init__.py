"""Sockets and HTTP, for requests to evd and from it. It knows nothing of vehicles except which paths are ingest routes.

May import: config, sigfox and request. Begin with `evd.net.server.edge`.
"""
