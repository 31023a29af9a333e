"""Events: what happened to a vehicle, for its users, such as charged, arrived, silent.

May import: model, log and store. Begin with `evd.events.rules`; a new event is a row there,
and its sentences, in each language, are rows of `evd.events.texts`.
"""
