"""Helpers for trio tasks: fair queues, single flight for equal reads, work in slices, shielding from cancellation.

May import: nothing. Begin with `evd.concurrency.fair_queue`.
"""
