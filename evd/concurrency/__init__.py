"""What a task of trio needs beside other tasks: fair queues, one flight for equal questions, work in slices.

May import: nothing. Begin with `evd.concurrency.fair_queue`.
"""
