"""The live stream: which subscriber follows which vehicles, and what waits for each.

May import: model. Begin with `evd.streaming.hub`.
"""
