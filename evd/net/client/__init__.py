"""HTTP from evd: `http` for occasional requests, `push_pool` for pushes, `control_socket` for commands to the daemon.

`retry_delay` has the pause before each retry of a push or an alarm.
"""
