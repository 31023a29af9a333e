"""The daemon's log: structured lines, without secrets; logging neither blocks nor raises.

May import: model and redaction. Begin with `evd.log.logger`.
"""
