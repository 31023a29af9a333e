"""What happened to a vehicle, for its users: charged, arrived, silent, and the like.

May import: model, log and store. Begin with `evd.events.rules`; a new event is a row there.
"""
