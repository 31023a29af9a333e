"""Pushes: which messages wait for which registrations, when each is sent, and its outcome.

May import: config, model, redaction, log, net, store and events. Begin with `evd.push.service`. `dispatcher` sends
through one provider, `backlog` finds what is due, `skip_policy` decides what is not sent, and `retry_delay` in
`evd.net.client` how long a retry waits. A new provider is a folder in `providers` with its traits, and a row of
`PROVIDERS`.
"""
