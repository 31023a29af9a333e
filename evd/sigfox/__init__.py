"""What Sigfox says: the message in a callback's body, its kind, its radio metadata, and whose values count in it.

May import: config, model and payload. Begin with `evd.sigfox.message`; `kind_recognition` tells the kinds apart and
`reports` reads those that are no messages. A new kind of callback is a file in `evd.sigfox.kinds`, whose docstring
says how.
"""
