"""Sockets and HTTP, to evd and from it. Of vehicles nothing is known here but which paths take their callbacks.

May import: config, sigfox and request. Begin with `evd.net.server.edge`.
"""
