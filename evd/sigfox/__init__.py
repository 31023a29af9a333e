"""What Sigfox sends: the message in a callback, the callback's kind, radio metadata, and which decoder's values count.

May import: config, model and payload. Begin with `evd.sigfox.message`. `kind_recognition` finds a callback's kind, and
`network_reports` reads the kinds that carry no message. A new kind of callback is a file in `evd.sigfox.kinds`; see its
docstring.
"""
