"""Runs the themes that are named, or all; prints a row each with a 95 % interval of each share."""

from __future__ import annotations

import argparse

from inference import answers, reversals, schedule

THEMES = {"schedule": schedule.run, "answers": answers.run, "reversals": reversals.run}
"""Each prints its rows, given the number of cohorts."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("themes", nargs="*", help=f"of {', '.join(THEMES)}; all by default")
    parser.add_argument("--cohorts", type=int, default=1000)
    options = parser.parse_args()
    for name in options.themes or THEMES:
        print(f"\n{name}")
        THEMES[name](options.cohorts)


main()
