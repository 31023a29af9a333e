"""Backups of a data directory as one file: taken beside the running service, verified, kept in rotation, restored.

May import: config and store. Begin with `evd.backup.taking`.
"""
