"""A built package installed where there is nothing else but what it says that it needs."""

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from .tracked import ROOT, tracked_files

NOT_INHERITED = ("ACCUMBENS_", "PIP_", "PYTEST_", "PYTHON", "VIRTUAL_ENV", "COV_")


def build_archives(folder: Path) -> None:
    """Builds source archive and wheel of a copy of the tracked files, and into `again` the wheel
    of the source archive. No network: what builds is what runs the tests."""
    copy = folder / "checkout"
    for file in tracked_files():
        target = copy / file.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    build = (sys.executable, "-m", "build", "--no-isolation", "--sdist", "--wheel")
    completed(*build, "--outdir", str(folder), str(copy))
    (source,) = folder.glob("*.tar.gz")
    unpacked = folder / "unpacked"
    shutil.unpack_archive(source, unpacked, filter="data")
    again = ("--wheel", "--outdir", str(folder / "again"), str(*unpacked.iterdir()))
    completed(*build[:4], *again)


class FreshEnvironment:
    """An environment of its own, with a home, a cache and a work folder that begin empty.

    It holds the wheel and, as links, the packages that the wheel requires without its extras, in
    the versions that run the tests. It knows nothing of the repository.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.work, self.cache = folder, folder / "work", folder / "cache"
        self.bin = folder / "bin"
        self.python = self.bin / "python"

    def install(self, wheel: Path) -> None:
        """Makes the environment and installs the wheel into it."""
        venv.create(self.folder, symlinks=True)
        for made in (self.work, self.cache, self.folder / "home"):
            made.mkdir()
        (site,) = self.folder.glob("lib/python*/site-packages")
        pip = (sys.executable, "-m", "pip", "--python", str(self.python))
        options = ("--quiet", "--no-index", "--no-deps", "--disable-pip-version-check")
        self.run(*pip, "install", *options, str(wheel))
        (about,) = site.glob("accumbens-*.dist-info")
        link_packages(metadata.Distribution.at(about).requires or (), site)
        self.run(*pip, "check")

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Runs a command in the work folder as someone who has no other Python packages."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(NOT_INHERITED)}
        places = {
            "PATH": f"{self.bin}{os.pathsep}{kept['PATH']}",
            "HOME": str(self.folder / "home"),
            "XDG_CACHE_HOME": str(self.cache),
        }
        return completed(*command, cwd=self.work, env=kept | places)


def link_packages(requirements: Iterable[str], site: Path) -> None:
    """Links into `site` whatever the requirements ask for, and so on. Fails where a version that
    runs the tests is not one that is asked for."""
    wanted = [(text, frozenset[str]()) for text in requirements]
    seen = set()
    while wanted:
        text, extras = wanted.pop()
        requirement = Requirement(text)
        marker = requirement.marker
        if marker and not any(marker.evaluate({"extra": extra}) for extra in extras or {""}):
            continue
        inner = frozenset(requirement.extras)
        name = canonicalize_name(requirement.name)
        if (name, inner) in seen:
            continue
        seen.add((name, inner))
        package = metadata.distribution(name)
        assert package.version in requirement.specifier, f"{text}: {package.version} is installed"
        wanted += [(further, inner) for further in package.requires or ()]
        for top in {file.parts[0] for file in package.files or ()} - {"..", "__pycache__"}:
            if not (site / top).exists():
                (site / top).symlink_to(Path(str(package.locate_file(top))).resolve())


def completed(*command: str, **options) -> subprocess.CompletedProcess[str]:
    """Runs a command; what it said is the message where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    said = "\n".join([" ".join(command), done.stdout, done.stderr])
    assert done.returncode == 0, f"status {done.returncode} of {said}"
    return done
