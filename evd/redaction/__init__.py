"""Redaction: secrets are found by name and by shape, and masked before anything is kept, logged or answered.

Sigfox's variables are no secrets. May import: model and sigfox. Begin with `evd.redaction.requests`.
`names` has the words that mark a name as secret; `PLAIN_HEADERS` in `evd.request.redacted` has the headers that are
kept as they are.
"""
