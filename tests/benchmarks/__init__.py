"""Benchmarks: ratios measured in one run, so that they mean the same on a slow, busy or fast machine.

`python -m tests.benchmarks --help` tells how. Nothing here judges a time: a person reads the table.
"""
