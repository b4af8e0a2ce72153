"""The campaign from the command line; exits with 1 where something escapes."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from .campaign import CRASHES_OF_HDF5, KINDS, crashes, make_whole, run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m helpers.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    options = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        make_whole(Path(folder), tuple(options.kinds))
        for kind in options.kinds:
            began = time.monotonic()
            n = -(-options.inputs // len(options.kinds))
            found = run(Path(folder), kind, options.seed, n)
            ends = found.ends.total()
            read = sum(count for end, count in found.ends.items() if "r" in end)
            print(
                f"{kind}: {n:,} inputs, {read:,} read by some reader, {ends - read:,} by none, "
                f"{len(found.escaped)} escaped; largest process {found.most / 2**20:,.0f} MiB; "
                f"{time.monotonic() - began:.0f} s",
                flush=True,
            )
            for number, what in found.escaped:
                print(f"  {kind} {options.seed} {number}: {what.strip()[-1500:]}", flush=True)
            n_crashes = crashes(found) if kind == "recordings" else 0
            failed |= len(found.escaped) > n_crashes or n_crashes > CRASHES_OF_HDF5 * n
    return int(failed)


sys.exit(main())
