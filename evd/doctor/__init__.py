"""What is wrong with an evd and its machine, each finding with its remedy and the command for it.

May import: config, model, payload, net, store and push. Begin with `evd.doctor.checks`, the table; a new check is a row
there: a function that looks (files, sockets, systemd) and a pure one that judges what was seen. Nothing here writes.
"""
