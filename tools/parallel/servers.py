"""Which servers live: each holds the lock of a file for as long as it does, so that what it gave out is free after its death."""

from __future__ import annotations

import os
from pathlib import Path

from ..lab.access import Lab
from ..storage.disk import take_lock


def sign_in(lab: Lab, own_folder: Path) -> str:
    """Return this server's name in a repository, whose lock it holds from now on."""
    name, place = lab.jobs.server, own_folder / "servers"
    if own_folder not in lab.signs:
        place.mkdir(parents=True, exist_ok=True)
        lock = take_lock(place / name)
        assert lock is not None, "the name is this server's alone"
        lab.signs[own_folder] = lock
    return name


def lives(own_folder: Path, name: str) -> bool:
    """Tell whether a server of a repository still lives."""
    file = own_folder / "servers" / name
    try:
        lock = take_lock(file, make=False)
    except FileNotFoundError:
        return False
    if lock is None:
        return True
    file.unlink(missing_ok=True)
    os.close(lock)
    return False
