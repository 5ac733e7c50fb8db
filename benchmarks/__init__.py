"""Measurements of what must be fast, on scratch data: `benchmarks.refresh` and what it is made of.

They print figures and ratios of one run and assert nothing about time.
"""
