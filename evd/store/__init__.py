"""Where everything is kept. `evd.store.protocols` is the boundary: operations go in, results come out after the commit.

May import: concurrency, model, payload, sigfox, redaction, request, log and auth. Begin with `evd.store.protocols`,
then `evd.store.writer`, which gathers operations for a commit. A new engine is a folder beside `sqlite` and a row in `evd.store.engines`.
"""
