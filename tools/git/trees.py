"""The tree that a few changed files make of another tree: only the folders above them are read and written, no index is."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from .cli import GitCli
from .delta import EXECUTABLE, FILE, FOLDER, SYMLINK

Item = tuple[bytes, bytes]
"""Mode and object id of one name in a folder."""
_Folder = dict[bytes, Item]


def stored(git: GitCli, root: Path, paths: Sequence[str], trusts_mode: bool) -> dict[str, Item | None] | None:
    """What stands at these paths, stored as git would: mode and blob, None for what is gone.

    What lies beyond a link is gone, and so is a file whose name a folder has now. None at all where that takes more than files and links: a repository inside, a name
    with a line feed, or modes that the file system does not tell.
    """
    folders = {folder for path in paths for folder in Path(path).parents if folder.name}
    links = {folder for folder in folders if (root / folder).is_symlink()}
    near = [path for path in paths if links.isdisjoint(Path(path).parents)]
    here = [path for path in near if os.path.lexists(root / path) and not _only_folder(root / path)]
    plain = [path for path in here if not (root / path).is_symlink()]
    if not trusts_mode or any("\n" in path or not (root / path).is_file() for path in plain):
        return None
    ids = git.run("hash-object", "-w", "--stdin-paths", stdin=_lines(plain)).split() if plain else []
    found: dict[str, Item | None] = dict.fromkeys(paths)
    for path, blob in zip(plain, ids, strict=True):
        found[path] = (EXECUTABLE if os.access(root / path, os.X_OK) else FILE).encode(), blob
    for path in set(here) - set(plain):
        target = os.fsencode(os.readlink(root / path))
        found[path] = SYMLINK.encode(), git.run("hash-object", "-w", "--stdin", stdin=target).strip()
    return found


def planted(git: GitCli, parent: str, files: Mapping[str, Item | None]) -> str:
    """Write the tree of `parent` with other files at some paths; returns its id."""
    places = {os.fsencode(path): item for path, item in files.items()}
    folders = _folders(git, parent, sorted({above for path in places for above in _above(path)}))
    for path, item in places.items():
        folder, _, name = path.rpartition(b"/")
        _put(folders[folder], name, item)
    lines, made = [], b""
    for folder in sorted(folders, key=lambda name: (name != b"", name.count(b"/"), name), reverse=True):
        items = folders[folder]
        made = _id(items, len(parent))
        lines.append(b"".join(_told(name, item) for name, item in _sorted(items)) + b"\0")
        upper, _, name = folder.rpartition(b"/")
        if folder and items:
            folders[upper][name] = FOLDER.encode(), made
        elif folder and folders[upper].get(name, (b"",))[0] == FOLDER.encode():
            del folders[upper][name]
    written = git.run("mktree", "-z", "--batch", stdin=b"".join(lines)).split()
    assert written[-1] == made, "git and we reckon alike"
    return os.fsdecode(made)


def _only_folder(place: Path) -> bool:
    return place.is_dir() and not place.is_symlink() and not os.path.lexists(place / ".git")


def _put(folder: _Folder, name: bytes, item: Item | None) -> None:
    if item is None:
        folder.pop(name, None)
    else:
        folder[name] = item


def _above(path: bytes) -> Iterator[bytes]:
    """Every folder above a path, the top as the empty name."""
    while path:
        path = path.rpartition(b"/")[0]
        yield path


def _folders(git: GitCli, parent: str, names: Sequence[bytes]) -> dict[bytes, _Folder]:
    """The folders of a commit or tree; empty where there is none."""
    out = git.run("cat-file", "--batch", stdin=b"".join(b"%b:%b\n" % (parent.encode(), name) for name in names))
    found, place = {}, 0
    for name in names:
        end = out.index(b"\n", place)
        words = out[place:end].rsplit(b" ", 2)
        place = end + 1
        if len(words) == 3 and words[2].isdigit():
            size = int(words[2])
            found[name] = _items(out[place : place + size], len(parent) // 2) if words[1] == b"tree" else {}
            place += size + 1
        else:
            found[name] = {}
    return found


def _items(raw: bytes, width: int) -> _Folder:
    found, place = {}, 0
    while place < len(raw):
        end = raw.index(b"\0", place)
        mode, _, name = raw[place:end].partition(b" ")
        found[name] = mode.rjust(6, b"0"), raw[end + 1 : end + 1 + width].hex().encode()
        place = end + 1 + width
    return found


def _sorted(items: _Folder) -> list[tuple[bytes, Item]]:
    """In git's order, in which a folder's name ends with a slash."""
    return sorted(items.items(), key=lambda pair: pair[0] + (b"/" if pair[1][0] == FOLDER.encode() else b""))


def _id(items: _Folder, width: int) -> bytes:
    raw = b"".join(
        b"%b %b\0%b" % (mode.lstrip(b"0"), name, bytes.fromhex(blob.decode())) for name, (mode, blob) in _sorted(items)
    )
    whole = b"tree %d\0%b" % (len(raw), raw)
    return (hashlib.sha1 if width == 40 else hashlib.sha256)(whole).hexdigest().encode()


def _told(name: bytes, item: Item) -> bytes:
    kind = {FOLDER.encode(): b"tree", b"160000": b"commit"}.get(item[0], b"blob")
    return b"%b %b %b\t%b\0" % (item[0], kind, item[1], name)


def _lines(paths: Sequence[str]) -> bytes:
    return b"".join(os.fsencode(path) + b"\n" for path in paths)
