"""Ingest: a request becomes operations, the operations are committed, and then the request is answered.

May import: config, concurrency, model, payload, sigfox, redaction, request, log, net, auth and store. Begin with
`evd.ingest.service`. `parser` reads a request, `transaction` makes its operations and its answer, and `fast_path`
parses the ordinary callback in one step.
"""
