"""What evd is about, without I/O: the status, which statuses a ring keeps, and what is written.

May import: nothing. Begin with `evd.model.status`, then `evd.model.operations`. A new field of the status is a row of
`evd.model.measures.MEASURES`.
"""
