"""The live stream: who follows which vehicles, and what each is yet to be sent.

May import: model. Begin with `evd.streaming.hub`.
"""
