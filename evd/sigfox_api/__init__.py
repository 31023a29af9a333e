"""Sigfox's REST API: callbacks are created by it, missed messages fetched, and the way of a callback checked.

May import: config, model, sigfox, redaction, log and net. Begin with `evd.sigfox_api.client`.
"""
