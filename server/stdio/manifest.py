"""The answers that hardly ever change, recorded from the real server and shipped beside the code: what the front gives.

`python -m autoresearch_mcp.server.stdio.manifest` records them anew, when a tool, a prompt or a library has changed. The
manifest names the versions of the libraries that shape an answer, and whether docstrings are there (`python -OO`). Where
these differ, nothing is answered early and the real server does it all, only later. What it answers is then kept in the
user's cache, so that a newer library costs one slow start and not every start. No answer may depend on where or how a
server was started.

Nothing here looks at our own files, so an installation that somebody edits in place still answers as before the edit,
until one of its servers has lived for some seconds: then the real one is asked the same, and what it answers otherwise
goes into the cache too, for the next start, and into the log. Until then a client may hold an old schema. The server
checks each call against its own, so the worst is a refusal that names the arguments it takes.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from .front import Answers

COMMAND = "python -m autoresearch_mcp.server.stdio.manifest"
FILE = Path(__file__).with_name("manifest.json")

_PACKAGE = Path(__file__).parent.parent.parent
_LIBRARIES = ("autoresearch-mcp", "mcp", "mcp-types", "pydantic", "pydantic-core")


class Manifest(NamedTuple):
    """Answers, and what decided them: the versions of libraries, say."""

    answers: Answers
    origin: dict[str, str]


def load_manifest() -> Manifest:
    """Return what may be answered early in this process: nothing if what is written down comes from other libraries."""
    shipped, origin = b"", library_versions()
    with suppress(OSError):
        shipped = FILE.read_bytes()
    learned_origin = {**origin, "instead of": hashlib.sha256(shipped).hexdigest()}
    with suppress(OSError, ValueError, LookupError, TypeError):
        return Manifest(_answers_from(learned_file().read_bytes(), learned_origin), learned_origin)
    with suppress(ValueError, LookupError, TypeError):
        return Manifest(_answers_from(shipped, origin), learned_origin)
    return Manifest({}, learned_origin)


def library_versions() -> dict[str, str]:
    """Return what decides the answers besides our code. By the names of folders: `importlib.metadata` takes longer than all else."""
    found: dict[str, str] = {}
    for folder in filter(os.path.isdir, sys.path):
        for entry in os.listdir(folder):
            name, _, rest = entry.partition("-")
            if rest.endswith(".dist-info"):
                found.setdefault(name.lower().replace("_", "-"), rest.removesuffix(".dist-info"))
    without = {"docstrings": "none"} if sys.flags.optimize > 1 else {}
    return {**{name: found.get(name, "?") for name in _LIBRARIES}, **without}


def learned_file() -> Path:
    """Return where a manifest is kept that this installation made for itself."""
    home = os.environ.get("XDG_CACHE_HOME", "") or "~/.cache"
    installation = hashlib.sha256(os.fsencode(_PACKAGE)).hexdigest()[:16]
    return Path(home).expanduser() / "autoresearch-mcp" / f"answers-{installation}.json"


def keep(manifest: Manifest, file: Path) -> None:
    """Write a manifest; a server that starts at the same time sees the old one or the new one."""
    parts = {"made by": COMMAND, "recorded from": manifest.origin, "answers": in_parts(manifest.answers)}
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(parts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    draft.replace(file)


def _answers_from(text: bytes, origin: dict[str, str]) -> Answers:
    """The answers in a manifest.

    Raises:
        LookupError, TypeError, ValueError: if it is no manifest, or one of another origin.
    """
    manifest = json.loads(text)
    if manifest["recorded from"] != origin:
        raise LookupError(manifest["recorded from"])
    answers: dict[str, dict[str, dict[str, object]]] = {}
    for part in manifest["answers"]:
        for version in part["versions"]:
            answers.setdefault(version, {}).setdefault(part["method"], {}).update(part["holds"])
    return answers


def in_parts(answers: Answers) -> list[dict[str, Any]]:
    """Return the answers member by member, each with the protocol versions that share it: sixty kilobytes of tools stand once."""
    parts: list[dict[str, Any]] = []
    for version, results in answers.items():
        for method, result in results.items():
            for holds in [{key: value} for key, value in result.items()] or [{}]:
                same = [part for part in parts if (part["method"], part["holds"]) == (method, holds)]
                if same:
                    same[0]["versions"].append(version)
                else:
                    parts.append({"method": method, "versions": [version], "holds": holds})
    return parts


def main() -> int:
    """Record the manifest of this installation, and of the checkout that one stands in; returns the exit status."""
    from tempfile import TemporaryDirectory

    from .real import RealServer, record

    with TemporaryDirectory() as folder:
        manifest = Manifest(record(RealServer(Path(folder), allow_commands=False)), library_versions())
    of_checkout = Path("server/stdio/manifest.json").absolute()
    for file in {FILE, of_checkout} if of_checkout.exists() else {FILE}:
        keep(manifest, file)
        sys.stdout.write(f"Wrote {file}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
