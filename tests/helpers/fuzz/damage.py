"""Ways in which files go wrong, each drawn at random."""

import random
import re
import shutil
from pathlib import Path

ODD = (
    "nan", "inf", "-inf", "1e308", "-1e308", "1e-320", "9" * 400, "-1", "0", "", "1,5", "TRUE",
    "#N/A", "=1+1", "[/x]", "$x$", "\u00e9", "\ufeff", "\x00", "'", '"', "{}", "[]", "null", "1_0",
    "2.0", "left", "a" * 5000, "../../x", "\u202e", "%s", "-0.0", "1e400", "0x10", "[" * 2000,
    "{" * 2000,
)  # fmt: skip
"""Text that programs stumble over."""


def damage(path: Path, rng: random.Random) -> None:
    """Damages a file, or one to three files of a folder."""
    if path.is_file():
        path.write_bytes(damaged(path.read_bytes(), rng))
        return
    files = sorted(p for p in path.rglob("*") if p.is_file())
    for file in rng.sample(files, min(len(files), rng.randint(1, 3))):
        how = rng.random()
        if how < 0.15:
            file.unlink()
        elif how < 0.2:
            file.unlink()
            file.mkdir()
        elif how < 0.3:
            shutil.copyfile(rng.choice([f for f in files if f.is_file()] or [file]), path / "other")
            (path / "other").replace(file)
        else:
            file.write_bytes(damaged(file.read_bytes(), rng))


def damaged(content: bytes, rng: random.Random) -> bytes:
    """The content with one kind of damage, or two."""
    for _ in range(rng.choice([1, 1, 2])):
        content = rng.choice(WAYS)(content, rng)
    return content


def _bytes(content: bytes, rng: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.randint(1, 8)) if changed else ():
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def _cut(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.randint(0, len(content))]


def _hole(content: bytes, rng: random.Random) -> bytes:
    at = rng.randint(0, len(content))
    n = min(len(content) - at, rng.choice([1, 8, 100, 4096]))
    filler = rng.choice([b"", b"\0" * n, b"\xff" * n])
    return content[:at] + filler + content[at + n :]


def _again(content: bytes, rng: random.Random) -> bytes:
    """A piece stands twice, or somewhere else."""
    at, to = sorted((rng.randint(0, len(content)), rng.randint(0, len(content))))
    where = rng.randint(0, len(content))
    return content[:where] + content[at:to][:4096] + content[where:]


def _words(content: bytes, rng: random.Random) -> bytes:
    """Some words or numbers of a text are odd ones."""
    words = list(re.finditer(rb"[\w.+-]+", content))
    for found in sorted(
        rng.sample(words, min(len(words), rng.randint(1, 4))), key=lambda m: -m.start()
    ):
        odd = rng.choice(ODD).encode("utf-8", "replace")
        content = content[: found.start()] + odd + content[found.end() :]
    return content


def _lines(content: bytes, rng: random.Random) -> bytes:
    lines = content.split(b"\n")
    how = rng.randrange(3)
    if how == 0:
        rng.shuffle(lines)
    elif how == 1:
        lines = [line for line in lines if rng.random() < 0.9]
    else:
        lines = [line for line in lines for _ in range(rng.choice([1, 1, 1, 3]))]
    return b"\n".join(lines)


def _encoding(content: bytes, rng: random.Random) -> bytes:
    text = content.decode("utf-8", "replace")
    return text.encode(rng.choice(["utf-16", "utf-32", "utf-8-sig", "cp037"]), "replace")


WAYS = (_bytes, _cut, _hole, _again, _words, _words, _lines, _encoding)
