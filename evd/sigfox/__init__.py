"""What Sigfox says: the message in a callback's body, its kind, its radio metadata, and whose values count in it.

May import: config, model and payload. Begin with `evd.sigfox.message`; a new kind of callback belongs into
`evd.sigfox.kinds`.
"""
