"""Pushes: what waits for whom, when it is sent, and what became of it.

May import: config, model, redaction, log, net, store and events. Begin with `evd.push.service`; `dispatcher` sends by a
provider, `backlog` says what waits, `policy` what is not worth sending. A new provider is a folder in `providers` with
its traits, and a row of `PROVIDERS`.
"""
