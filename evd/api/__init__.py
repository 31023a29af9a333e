"""The HTTP API on quart-trio: the original's routes, `/api/v1`, health and metrics.

May import: every room but dev, daemon and cli. Begin with `evd.api.app`; a new route is a file, `v1` has those of
`/api/v1`.
"""
