"""An HTTP request as evd reads it: the variables in its body or its lines, and what of it may be kept.

May import: sigfox and redaction. Begin with `evd.request.body`;
`redacted` applies `evd.redaction.names` and the shapes of secrets to what is kept of it.
"""
