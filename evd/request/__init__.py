"""An HTTP request as evd reads it: the variables in its body or its lines, and what of it may be kept.

May import: sigfox and redaction. Begin with `evd.request.body`;
`redacted` decides which headers and values are kept, and which are masked.
"""
