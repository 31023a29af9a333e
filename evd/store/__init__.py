"""Storage. `evd.store.protocols` is the boundary: operations go in, and their results come out after the commit.

May import: config, concurrency, model, derived, payload, sigfox, redaction, request, log and auth. Begin with
`evd.store.protocols`, then `evd.store.writer`, which gathers operations into commit groups. A new engine is a folder
beside `sqlite`, and a row in `evd.store.engines`.
"""
