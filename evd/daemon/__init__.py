"""The process: what the daemon is built from, how it runs, and how it stops.

May import: every room but cli. Begin with `evd.daemon.lifecycle`; `wiring` builds the parts.
"""
