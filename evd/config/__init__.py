"""What evd may be told and where it lives: every setting and its bound, the data directory and its lock.

May import: nothing. Begin with `evd.config.settings`.
"""
