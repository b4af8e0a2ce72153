"""Damaged input by the thousand: every reader, options, run folders and saved models.

`python -m helpers.fuzz` in `tests/`, or `make fuzz`: nothing may escape but errors of ours, nothing
may hang, crash, or take more than 2 GiB.
"""
