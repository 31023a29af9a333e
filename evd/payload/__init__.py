"""Sigfox's custom payload grammar: a format text becomes a plan, and the codec runs it over a payload's bits.

May import: config and model. Begin with `evd.payload.grammar`; the compiled twin of the codec is `evd._codec`. A new
type of the grammar is a row in `evd.payload.types`.
"""
