"""Every setting and its range, the data directory and its lock, the heartbeat.

May import: nothing. Begin with `evd.config.settings`: a new setting is a
line there, with its comment, and a row of `evd.config.limits`; `make settings` writes its documentation.
"""
