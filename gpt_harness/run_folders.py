"""The folders of runs: one for each, of which the last few are kept."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from players import JobFolders, remove
from prepare import cache_home

KEPT_RUNS = 3


@contextmanager
def run_folder() -> Iterator[JobFolders]:
    """A folder for one run. The last few that are over are kept with their checkpoints, so that a crash in scoring loses
    nothing.
    """
    runs = cache_home() / "runs"
    runs.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = Path(tempfile.mkdtemp(prefix=f"{datetime.now():%Y%m%d-%H%M%S.%f}-", dir=runs))
    place = JobFolders(folder / "code" / "train.py", folder / "out", folder / "tmp")
    for made in (place.code.parent, place.out, place.tmp):
        made.mkdir()
    with _alone_in(folder):
        try:
            yield place
        finally:
            remove(place.tmp, place.out)
    for old in sorted(runs.iterdir())[:-KEPT_RUNS]:
        with contextlib.suppress(OSError), _alone_in(old):
            remove(old)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Have the folder of a run for oneself: the one of a run that goes on is not swept away by quicker ones.

    Raises:
        OSError: if somebody else has it.
    """
    opened = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(opened)
