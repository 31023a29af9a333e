"""Sigfox's REST API: create callbacks, fetch missed messages, and check the path of a callback.

May import: config, model, sigfox, redaction, log and net. Begin with `evd.sigfox_api.client`.
"""
