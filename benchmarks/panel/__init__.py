"""The parts of `benchmarks/panel.py`: which rows there are, one row measured, what the rows say."""
