"""What a command and all that it starts do to a folder of the disk, call by call, as the kernel saw it through `strace`.

Nothing is asked of the disk while the command runs: the folder is read once before, and each call is applied to that picture
in the order in which the calls returned. At the end the picture is compared with the folder, so that a call that is not
understood is an error and not a gap. Memory that is written without a call (`mmap`) is not seen: of ours, only SQLite's `-shm`,
which SQLite makes anew.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from inodes import Named, Node, Step, Synced, Told, Wrote, listed, picture

CALLS = (
    "open openat creat close dup dup2 dup3 fcntl write writev pwrite64 sendfile copy_file_range lseek truncate ftruncate "
    "fallocate rename renameat renameat2 link linkat symlink symlinkat unlink unlinkat mkdir mkdirat rmdir fsync fdatasync "
    "sync syncfs clone clone3 fork vfork chdir fchdir"
)


@dataclass
class Opened:
    """An open file: descriptors of several processes may share it, with the place in it."""

    path: str
    node: Node | None = None
    at: int = 0
    appends: bool = False


@dataclass
class Process:
    """Where a process stands, and its descriptors; threads share one."""

    folder: str
    files: dict[int, Opened] = field(default_factory=dict)


@dataclass(frozen=True)
class Recording:
    """A folder before a command, and the steps that the command made."""

    root: Node
    steps: tuple[Step, ...]


def unavailable() -> str:
    """Why nothing can be recorded here; empty if it can."""
    strace = shutil.which("strace")
    if not strace:
        return "needs strace"
    done = subprocess.run([strace, "--seccomp-bpf", "-f", "-o", os.devnull, "true"], check=False, capture_output=True)
    return "needs leave to use strace, version 5.3 or later" if done.returncode else ""


def record(root: Path, command: Sequence[str], told: Path) -> Recording:
    """Run a command to its end, which tells by writing to the file `told`.

    Raises:
        CalledProcessError: if it fails.
        AssertionError: if what was understood of its calls is not what the folder holds afterwards.
    """
    output = told.with_name("calls")
    words = [
        "strace",
        "-f",
        "-qq",
        "-y",
        "-xx",
        "-s",
        str(2**24),
        "--seccomp-bpf",
        "-e",
        f"trace={','.join(CALLS.split())}",
    ]
    reader = Reader(root, picture(root), told)
    subprocess.run([*words, "-o", output, *command], check=True, capture_output=True)
    lines = output.read_text().splitlines()
    if not os.environ.get("KEEP"):
        output.unlink()
    reader.read(lines)
    understood, found = dict(listed(reader.root)), dict(listed(picture(root)))
    assert understood == found, sorted(name for name, _ in understood.items() ^ found.items())
    return Recording(reader.root, tuple(reader.steps))


_LINE = re.compile(r"(\d+) +(?:<\.\.\. )?(\w+)(?:\(| resumed>)(.*)")
_FOLDER = re.compile(r"(?:AT_FDCWD|\d+)<(.*)>")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_STARTS = frozenset({"clone", "clone3", "fork", "vfork"})


class Reader:
    """Reads what strace printed, and makes the same changes to the picture."""

    def __init__(self, root: Path, picture: Node, told: Path) -> None:
        self.root, self.steps = picture, list[Step]()
        self._place, self._told = str(root.resolve()), str(told.resolve())
        self._processes: dict[str, Process] = {}
        self._begun: dict[str, str] = {}

    def read(self, lines: Sequence[str]) -> None:
        """Apply all calls that returned, in the order in which they did."""
        children = self._children(lines)
        self._begun.clear()
        for number, line in enumerate(lines):
            found = _LINE.match(line)
            if not found:
                continue
            pid, name, rest = found.groups()
            process = self._processes.setdefault(pid, Process(os.getcwd()))
            for child, shares in children.get(number, ()):
                self._processes[child] = process if shares else Process(process.folder, dict(process.files))
            if name not in _STARTS and (done := self._whole(pid, rest)):
                self._call(process, name, *done)

    def _whole(self, pid: str, rest: str) -> tuple[str, int] | None:
        """The arguments and the answer of a call, once it returned and if it did not fail."""
        if rest.endswith("<unfinished ...>"):
            self._begun[pid] = rest.removesuffix("<unfinished ...>")
            return None
        arguments, _, answer = (self._begun.pop(pid, "") + rest).rpartition(" = ")
        code = re.split("[ <]", answer, maxsplit=1)[0]
        return (
            (arguments.rstrip().removesuffix(")").rstrip(), int(code, 0))
            if code.lstrip("-").isalnum() and code[0] not in "-?"
            else None
        )

    def _children(self, lines: Sequence[str]) -> dict[int, list[tuple[str, bool]]]:
        """For the line on which a process begins another: the other one, and whether it is a thread.

        The first calls of a child may stand before the line on which its parent is told of it.
        """
        found: dict[int, list[tuple[str, bool]]] = {}
        began: dict[str, int] = {}
        for number, line in enumerate(lines):
            parts = _LINE.match(line)
            if parts and parts[2] in _STARTS:
                first = began.setdefault(parts[1], number)
                if done := self._whole(parts[1], parts[3]):
                    found.setdefault(first, []).append((str(done[1]), "CLONE_FILES" in done[0]))
                if not line.endswith("<unfinished ...>"):
                    del began[parts[1]]
        return found

    def _call(self, process: Process, name: str, arguments: str, answer: int) -> None:
        texts = [bytes.fromhex(text.replace("\\x", "")) for text in _TEXT.findall(arguments)]
        words = _TEXT.sub('""', arguments).split(", ")
        if name in {"open", "openat", "creat"}:
            self._open(process, answer, self._path(process, _at(words[0]), texts[0]), arguments, name == "creat")
        elif name == "close":
            process.files.pop(int(words[0].partition("<")[0]), None)
        elif name in {"dup", "dup2", "dup3"} or (name == "fcntl" and "F_DUPFD" in words[1]):
            process.files[answer] = self._file(process, words[0]) or Opened("")
        elif name == "chdir":
            process.folder = self._path(process, "", texts[0])
        elif name == "fchdir":
            process.folder = _at(words[0])
        elif name in {"write", "writev", "pwrite64"}:
            at = int(words[-1]) if name == "pwrite64" else None
            self._write(self._file(process, words[0]), b"".join(texts)[:answer], at)
        elif name in {"sendfile", "copy_file_range"}:
            self._copy(process, words, answer, sends=name == "sendfile")
        elif name == "lseek":
            if file := self._file(process, words[0]):
                file.at = answer
        elif name in {"truncate", "ftruncate", "fallocate"}:
            self._cut(process, name, words, texts)
        elif name in {"sync", "syncfs"}:
            self.steps.append(Synced(None))
        elif name in {"fsync", "fdatasync"}:
            file = self._file(process, words[0])
            if file and file.node:
                self.steps.append(Synced(file.node, name == "fdatasync"))
        elif name != "fcntl":
            self._name(process, name, words, texts)

    def _open(self, process: Process, number: int, path: str, flags: str, makes: bool) -> None:
        makes = makes or "O_CREAT" in flags
        folder, name, node = self._find(path)
        if folder is not None and node is None and makes:
            mode = int(flags.rpartition(" ")[2], 8) & ~0o022
            node = Node(stat.S_IFREG | mode)
            self._do(Named(((folder, name, node),)))
        elif node is not None and "O_TRUNC" in flags and node.data:
            self._do(Wrote(node, 0, None, resizes=True))
        process.files[number] = Opened(path, node, appends="O_APPEND" in flags)

    def _write(self, file: Opened | None, new: bytes, at: int | None) -> None:
        if file is None or not new:
            return
        if file.path == self._told:
            self.steps.append(Told(new.decode().strip()))
        if file.node is not None:
            place = at if at is not None else len(file.node.data) if file.appends else file.at
            self._do(Wrote(file.node, place, new, resizes=place + len(new) > len(file.node.data)))
            if at is None:
                file.at = place + len(new)

    def _copy(self, process: Process, words: Sequence[str], size: int, sends: bool) -> None:
        """From one descriptor to another within the kernel."""
        target, source = (self._file(process, words[place]) for place in ((0, 1) if sends else (2, 0)))
        if target and target.node is not None:
            assert source, "what is copied was opened"
            place = words[2 if sends else 1]
            start = source.at if place == "NULL" else int(place.strip("[]").split("]")[0])
            data = bytes(source.node.data) if source.node is not None else Path(source.path).read_bytes()
            self._write(target, data[start : start + size], None)
            source.at += size if place == "NULL" else 0

    def _cut(self, process: Process, name: str, words: Sequence[str], texts: Sequence[bytes]) -> None:
        if name == "truncate":
            node = self._find(self._path(process, "", texts[0]))[2]
        else:
            file = self._file(process, words[0])
            node = file.node if file else None
        if node is not None:
            end = int(words[-1]) if name != "fallocate" else max(len(node.data), int(words[2]) + int(words[3]))
            self._do(Wrote(node, end, None, resizes=end != len(node.data)))

    def _name(self, process: Process, call: str, words: Sequence[str], texts: Sequence[bytes]) -> None:
        places = [_at(word) for word in words if _FOLDER.match(word)] if "at" in call else ["", ""]
        changes: list[tuple[Node | None, str, Node | None]]
        if call.startswith("symlink"):
            changes = [
                (*self._find(self._path(process, places[0], texts[1]))[:2], Node(stat.S_IFLNK | 0o777, texts[0]))
            ]
        elif call.startswith("mkdir"):
            changes = [(*self._find(self._path(process, places[0], texts[0]))[:2], Node(stat.S_IFDIR | 0o755))]
        elif call.startswith(("unlink", "rmdir")):
            changes = [(*self._find(self._path(process, places[0], texts[0]))[:2], None)]
        else:
            old, new = (self._find(self._path(process, *one)) for one in zip(places, texts, strict=False))
            assert (old[0] is None) == (new[0] is None), f"{call} leads across the border of the folder"
            assert "RENAME_EXCHANGE" not in words[-1], "not understood"
            changes = [(*new[:2], old[2]), *([(*old[:2], None)] if call.startswith("rename") else [])]
        inside = tuple((folder, name, node) for folder, name, node in changes if folder is not None)
        if inside:
            self._do(Named(inside))

    def _do(self, step: Named | Wrote) -> None:
        self.steps.append(step)
        if isinstance(step, Named):
            step.apply()
        else:
            step.onto(step.node.data)

    def _file(self, process: Process, word: str) -> Opened | None:
        """The open file that a descriptor stands for; None for what is neither in the folder nor the file that tells.

        Descriptors of pipes and the like, and what an `execve` closes, are not followed: strace says what a number means now.
        """
        number, _, path = word.strip("<>").partition("<")
        if not _plain(path).startswith((f"{self._place}/", self._told)) and _plain(path) != self._place:
            return None
        assert int(number) in process.files, (number, _plain(path))
        return process.files[int(number)]

    def _path(self, process: Process, at: str, name: bytes) -> str:
        """The whole path of a name, as the process means it."""
        path = os.path.join(at or process.folder, os.fsdecode(name))
        if found := re.match(r"/proc/self/fd/(\d+)(.*)", path):
            file = process.files.get(int(found[1]))
            path = f"{file.path}{found[2]}" if file else path
        return os.path.normpath(path)

    def _find(self, path: str) -> tuple[Node | None, str, Node | None]:
        """The folder, the name and the node at a path; no folder outside of what is pictured."""
        if path == self._place:
            return None, "", self.root
        if not path.startswith(f"{self._place}/"):
            return None, "", None
        folder = self.root
        *between, name = path.removeprefix(f"{self._place}/").split("/")
        for part in between:
            folder = folder.names[part]
        return folder, name, folder.names.get(name)


def _plain(text: str) -> str:
    """The path that strace printed in hexadecimal; without the remark that it is deleted."""
    found = re.match(r"(?:\\x[0-9a-f]{2})*", text)
    return os.fsdecode(bytes.fromhex(found[0].replace("\\x", ""))) if found else ""


def _at(word: str) -> str:
    """The folder that a descriptor stands for; empty where none is given, which means where the process stands."""
    found = _FOLDER.match(word)
    return _plain(found[1]) if found else ""
