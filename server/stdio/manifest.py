"""The answers that never change, recorded from the real server and shipped beside the code: what the front gives.

`python -m autoresearch_mcp.server.stdio.manifest` records them anew, after any change to the code: like a lock file, the
manifest names what it was recorded from, the digest of our files and the versions of the libraries that shape an
answer. Where anything differs, nothing is answered early and the real server does it all, only later; what it answers
is then kept in the user's cache, so that a newer library costs one slow start and not every start. So a stale answer
is never given; and no answer may depend on where or how a server was started.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from .front import Answers

COMMAND = "python -m autoresearch_mcp.server.stdio.manifest"

_PACKAGE = Path(__file__).parent.parent.parent
FILE = Path(__file__).with_name("manifest.json")

_SHIPPED = {"server": (".py",), "tools": (".py",), "prompts": (".py", ".md")}
_LIBRARIES = ("autoresearch-mcp", "mcp", "mcp-types", "pydantic", "pydantic-core")


def load_answers() -> Answers:
    """What may be answered early; nothing if no manifest belongs to what is installed here."""
    for file in (FILE, learned_file()):
        with suppress(OSError, ValueError, LookupError, TypeError):
            manifest = json.loads(file.read_text(encoding="utf-8"))
            if manifest["recorded from"] == origin():
                return _by_version(manifest["answers"])
    return {}


def origin() -> dict[str, str]:
    """What decides the answers here: our files, the libraries, whether docstrings are there. Empty if files cannot be read."""
    digest = hashlib.sha256(b"-OO" if sys.flags.optimize > 1 else b"")
    names = sorted(_files())
    try:
        for name in names:
            digest.update(name.encode() + b"\0" + (_PACKAGE / name).read_bytes() + b"\0")
    except OSError:
        return {}
    return {"code": digest.hexdigest(), **_versions()} if names else {}


def learned_file() -> Path:
    """Where a manifest is kept that this installation made for itself."""
    home = os.environ.get("XDG_CACHE_HOME", "") or "~/.cache"
    installation = hashlib.sha256(os.fsencode(_PACKAGE)).hexdigest()[:16]
    return Path(home).expanduser() / "autoresearch-mcp" / f"answers-{installation}.json"


def keep(answers: Answers, file: Path) -> None:
    """Write a manifest; a server that starts at the same time sees the old one or the new one."""
    manifest = {"made by": COMMAND, "recorded from": origin(), "answers": in_parts(answers)}
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    draft.replace(file)


def _files() -> Iterator[str]:
    for folder, endings in _SHIPPED.items():
        for place, _, names in os.walk(_PACKAGE / folder):
            ours = (name for name in names if name.endswith(endings))
            yield from (os.path.relpath(os.path.join(place, name), _PACKAGE) for name in ours)


def _versions() -> dict[str, str]:
    """The installed versions, by the names of their folders: `importlib.metadata` takes longer than all else together."""
    found: dict[str, str] = {}
    for folder in filter(os.path.isdir, sys.path):
        for entry in os.listdir(folder):
            name, _, rest = entry.partition("-")
            if rest.endswith(".dist-info"):
                found.setdefault(name.lower().replace("_", "-"), rest.removesuffix(".dist-info"))
    return {name: found.get(name, "?") for name in _LIBRARIES}


def _by_version(parts: list[dict[str, Any]]) -> Answers:
    answers: dict[str, dict[str, dict[str, object]]] = {}
    for part in parts:
        for version in part["versions"]:
            answers.setdefault(version, {}).setdefault(part["method"], {}).update(part["holds"])
    return answers


def in_parts(answers: Answers) -> list[dict[str, Any]]:
    """The answers member by member, each with the protocol versions that share it: sixty kilobytes of tools stand once."""
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
    """Record the manifest; returns the exit status."""
    from tempfile import TemporaryDirectory

    from .real import Real
    from .recording import record

    with TemporaryDirectory() as folder:
        keep(record(Real(Path(folder), allow_commands=False)), FILE)
    sys.stdout.write(f"Wrote {FILE}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
