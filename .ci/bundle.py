"""Renews the plotting library that reports carry: python .ci/bundle.py, with npm.

Takes the minified files and licences of the versions below from npm's packages, as they are, and
writes README.md beside them. Look at a report before you commit what has changed.
"""

import hashlib
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent / "src" / "accumbens" / "report" / "bundled"
LIBRARIES = (
    ("d3", "7.9.2", "dist/d3.min.js", "ISC"),
    ("@observablehq/plot", "0.6.17", "dist/plot.umd.min.js", "ISC"),
    ("interval-tree-1d", "1.0.4", None, "MIT"),
    ("binary-search-bounds", "2.0.5", None, "MIT"),
    ("isoformat", "0.2.1", None, "ISC"),
)
"""Package, version, file and licence; without a file: part of Observable Plot's."""


def main() -> int:
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for package, version, file, licence in LIBRARIES:
            done = subprocess.run(
                ["npm", "pack", "--silent", f"{package}@{version}"], cwd=folder, check=True,
                capture_output=True, text=True,
            )  # fmt: skip
            short = package.rpartition("/")[2]
            with tarfile.open(Path(folder) / done.stdout.split()[-1]) as archive:
                licences = [n for n in archive.getnames() if "/LICENSE" in n]
                taken = {licences[0]: f"{short}.LICENSE.txt"}
                if file is not None:
                    taken[f"package/{file}"] = Path(file).name
                for name, target in taken.items():
                    found = archive.extractfile(name)
                    assert found is not None
                    (HERE / target).write_bytes(found.read())
            if file is None:
                rows.append(f"| in `plot.umd.min.js` | {package} {version} | {licence} | |")
                continue
            digest = hashlib.sha256((HERE / Path(file).name).read_bytes()).hexdigest()
            rows.append(f"| `{Path(file).name}` | {package} {version} | {licence} | `{digest}` |")
    lines = [
        "# What reports carry", "",
        "Minified files of npm packages, unchanged, and their licences; `python .ci/bundle.py` "
        "renews them.", "",
        "| file | package | licence | SHA-256 |", "|---|---|---|---|", *rows, "",
    ]  # fmt: skip
    (HERE / "README.md").write_text("\n".join(lines))
    print(f"Wrote {len(rows)} libraries to {HERE}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
