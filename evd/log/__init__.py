"""Structured logs that neither wait nor fail, and hold no secret.

May import: model and redaction. Begin with `evd.log.logger`.
"""
