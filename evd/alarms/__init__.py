"""What evd's operator must hear: readings of the daemon in, alarms raised and cleared out.

May import: config, model, sigfox, log and net. Begin with `evd.alarms.rules`; a new alarm is a row there.
"""
