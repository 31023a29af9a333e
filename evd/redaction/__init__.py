"""Redaction: secrets are found by name and by shape, and masked before anything is kept, logged or answered.

Sigfox's variables are no secrets. May import: model and sigfox. Begin with `evd.redaction.requests`.
`names` has the words by which a name, of a variable or a header, marks its value as secret.
"""
