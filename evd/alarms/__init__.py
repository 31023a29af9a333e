"""Alarms for evd's operator: readings of the daemon go in, raised and cleared alarms come out.

May import: config, model, sigfox, log and net. Begin with `evd.alarms.rules`; a new alarm is a row there.
Its bounds are the operator's settings, `AlarmSettings` in `evd.config.settings`.
"""
