"""Do users' type checkers know the types of what they import? Fails where too few are known.

python .ci/type_completeness.py

Counts what `pyright --verifytypes` counts: every public symbol of every public module, known only
where nothing in its signature has to be guessed. Types of other packages are not counted.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

FLOOR = 0.95
SHOWN = 20


def main() -> int:
    here = Path(sys.executable).parent
    # pyright looks for packages with the first `python` of the path, whatever options say
    environment = os.environ | {"PATH": f"{here}{os.pathsep}{os.environ['PATH']}"}
    command = [here / "pyright", "--verifytypes", "accumbens", "--ignoreexternal", "--outputjson"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    try:
        found = json.loads(done.stdout)["typeCompleteness"]
    except (ValueError, KeyError):
        print(done.stdout, done.stderr, sep="\n", file=sys.stderr)
        return 1
    public = [symbol for symbol in found["symbols"] if symbol["isExported"]]
    guessed = [symbol for symbol in public if not symbol["isTypeKnown"]]
    share = 1 - len(guessed) / len(public) if public else 0.0
    print(f"Types of {share:.1%} of {len(public):,} public symbols are known (floor {FLOOR:.0%}).")
    if share >= FLOOR:
        return 0
    for symbol in [s for s in guessed if _reasons(s)][:SHOWN]:
        print(f"  {symbol['name']}: {'; '.join(_reasons(symbol))}")
    return 1


def _reasons(symbol: dict) -> list[str]:
    """What is missing here, rather than in a type that is used here."""
    lines = [note["message"].splitlines()[0] for note in symbol["diagnostics"]]
    return [s for s in lines if "partially unknown" not in s and "docstring" not in s]


if __name__ == "__main__":
    sys.exit(main())
