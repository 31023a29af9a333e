"""Every setting and its range, the data directory and its lock, the heartbeat.

May import: nothing. Begin with `evd.config.settings`.
"""
