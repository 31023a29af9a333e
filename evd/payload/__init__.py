"""Sigfox's custom payload grammar: a format's text is compiled to a plan, which the codec applies to a payload.

May import: config and model. Begin with `evd.payload.grammar`; the compiled twin of the codec is `evd._codec`. A new
type of the grammar is a row in `evd.payload.types`.
"""
