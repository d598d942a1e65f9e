"""Packages of the npm registry that tests check against: schemas and suites that their owners publish there."""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

FOLDER = Path(sys.prefix) / "npm"


@cache
def npm_folder(*packages: str) -> Path | None:
    """The `node_modules` that holds these packages, each `name@version`; None where npm is not there or gives none.

    They are installed once beside the Python that runs the tests, and run nothing on the way.
    """
    place = FOLDER / "+".join(package.strip("@").replace("/", "-") for package in packages) / "node_modules"
    if (place.parent / "whole").exists():
        return place
    if shutil.which("npm") is None:
        return None
    place.parent.mkdir(parents=True, exist_ok=True)
    hurried = ["--fetch-retries=1", "--fetch-retry-mintimeout=1000"]  # without a registry npm tries for over a minute
    flags = ["--no-save", "--no-audit", "--no-fund", *hurried, "--prefix", str(place.parent)]
    if subprocess.run(["npm", "install", *flags, *packages], capture_output=True, check=False, timeout=300).returncode:
        return None
    (place.parent / "whole").touch()
    return place
