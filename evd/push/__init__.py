"""Pushes: which messages wait for which registrations, when each is sent, and its outcome.

May import: config, model, redaction, log, net, store and events. Begin with `evd.push.service`. `dispatcher` sends
through one provider, `backlog` finds what is due, `policy` decides what is not worth sending. A new provider is a
folder in `providers` with its traits, and a row of `PROVIDERS`.
"""
