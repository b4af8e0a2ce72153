"""Reading damaged recordings, also in a process of its own: libhdf5 may crash on them."""

from pathlib import Path

from accumbens.errors import AccumbensError
from accumbens.io.nwb.channels import read_nwb_channels
from accumbens.io.nwb.contents import inspect_nwb
from accumbens.io.nwb.format import NwbFormat
from accumbens.io.nwb.trials import read_nwb
from accumbens.io.spikes.files import read_units
from accumbens.recordings import ClockConfig, settle_clock

FORMAT = NwbFormat(choice="choice", outcome=("reward",))


def refusal(read, *names):
    """The error of ours with which `read` ends, None if it reads; other errors pass through.

    The error is more than a word, and names one of the files.
    """
    try:
        read()
    except AccumbensError as error:
        text = str(error)
        assert len(text) > 20
        assert not names or any(str(name) in text for name in names), text
        return text
    return None


def read_everything(path):
    """All that is read of a file; each reader alone may refuse it, with an error of ours."""
    for read in (
        lambda: read_nwb(path, FORMAT), lambda: inspect_nwb(path), lambda: read_units(path),
        lambda: [settle_clock(s, ClockConfig()) for s in read_nwb_channels(path).values()],
    ):  # fmt: skip
        text = refusal(read, path.name) or ""
        assert "\n" not in text or text.startswith("Cannot use")


def read_one_after_the_other(folder, begun):
    """Reads all files of a folder; the file `begun` gets each name before it is read."""
    for path in sorted(Path(folder).iterdir()):
        if path.name not in Path(begun).read_text().split():
            with Path(begun).open("a") as file:
                file.write(f"{path.name}\n")
            read_everything(path)
