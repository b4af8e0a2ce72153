"""How far the inference of credit can be trusted, measured: one file a theme.

python -m inference            (in benchmarks/) all themes
python -m inference schedule   one of them (schedule, answers, reversals); --cohorts N
"""
