"""What is derived from a vehicle's statuses and outlives them: roll-ups by hour and day, charge sessions, trips.

May import: model. Begin with `evd.derived.fold`. It takes statuses in their order, one by one; the store decides when,
and how a status that came late is put in its place.
"""
