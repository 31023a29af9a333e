"""From nothing to a service: a plan of steps made of a few answers, how they are done, and how they are undone.

May import: nothing. Begin with `evd.setup.plan`, which is pure: answers go in, steps come out. `apply` does
them below a root directory; a new kind of step is a struct in `steps` and a row in `apply`. The units are in `units`.
"""
