"""What stands in for the world: a simulated fleet, its traffic, and a fake FCM. Demo, tests and benchmarks use it.

May import: model, payload and net. Begin with `evd.dev.fleet`.
"""
