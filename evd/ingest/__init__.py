"""The way in: a request becomes operations, is committed, and is answered once it is on disk.

May import: config, concurrency, model, payload, sigfox, redaction, request, log, net, auth and store. Begin with
`evd.ingest.service`; `parser` reads a request, `transaction` says what is written of it and answered, `fast_path` does
both at once for the ordinary callback.
"""
