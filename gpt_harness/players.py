"""Starts an experiment's code in processes of its own, and speaks with it. It never gets a target, a held-out text or a clock."""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import select
import socket
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from clocks import LOOK_S, Stopwatch

HERE = Path(__file__).resolve().parent
# A message is a message, and the end of the other side is seen. macOS has no such sockets; datagrams come closest.
KIND = getattr(socket, "SOCK_SEQPACKET", socket.SOCK_DGRAM) if sys.platform == "linux" else socket.SOCK_DGRAM
_MESSAGE_BYTES = 65_536
_SYSTEM = (
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/etc",
    "/sys",
    "/dev",
    "/run/nvidia-persistenced",
)
_DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom", "/dev/tty")
_OF_THE_RUN = {
    f"AUTORESEARCH_{name}" for name in ("INCUMBENT_CURVE", "ITERATION", "RUN", "CHANNEL")
}  # for the judge alone
_ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": str(2**25), "MALLOC_TRIM_THRESHOLD_": str(2**29)}
"""For glibc: what one step has freed is kept for the next one. To be given its pages anew took a seventh of a step."""
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


Walls = dict[str, list[str]]
"""What a job may `read` and `write`, and what is `hidden` in that."""


class PlayerError(Exception):
    """The experiment's code did not do its part; the message says how."""


@dataclass(frozen=True)
class Ended:
    """How a job ended. `exit` is None if it was ended by us; `survivors` counts processes that outlived it."""

    exit: int | None
    cpu_seconds: float
    peak_bytes: int
    survivors: int


@dataclass(frozen=True)
class JobFolders:
    """The folders of a job: `out` is where it stands and may write, as in `tmp`; it may read `code` too."""

    code: Path
    out: Path
    tmp: Path

    @contextmanager
    def apart(self, walls: Walls | None) -> Iterator[tuple[JobFolders, Walls | None]]:
        """Other folders to write in for the same code, and the walls for them. What one job writes would else be there for
        the next one, which is asked the same in another way.
        """
        folder = Path(tempfile.mkdtemp(prefix="apart-", dir=self.code.parent.parent))
        place = JobFolders(self.code, folder / "out", folder / "tmp")
        place.out.mkdir()
        place.tmp.mkdir()
        others = {str(self.out): str(place.out), str(self.tmp): str(place.tmp)}
        try:
            yield place, walls and {**walls, "write": [others.get(path, path) for path in walls["write"]]}
        finally:
            remove(folder)

    def environment(self) -> dict[str, str]:
        """Nothing of ours, and caches that end with the run: what is left in a cache would reach the next one."""
        kept = {name: value for name, value in os.environ.items() if name in _PASSED_ON or name.startswith("CUDA")}
        caches = {name: str(folder) for name, folder in self.caches().items()}
        return {**kept, **caches, "HOME": str(self.tmp), "TMPDIR": str(self.tmp), "USER": "experiment"}

    def caches(self) -> dict[str, Path]:
        """Where a run keeps what it compiles, by the variable that says so."""
        return {name: self.tmp / name.lower() for name in ("TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR")}

    def walls(self, also: Sequence[Path], hidden: Sequence[Path]) -> Walls:
        """What the job may read and write. Other interpreters' libraries may have the held-out text, so they are hidden."""
        own = {sys.prefix, sys.base_prefix, *filter(os.path.isdir, sys.path), *sysconfig.get_paths().values()}
        others = [path for top in ("/usr/lib", "/usr/local/lib") for path in Path(top).glob("python3*")]
        away = [str(path) for path in (*hidden, *(p for p in others if not any(o.startswith(str(p)) for o in own)))]
        away += [f"{prefix}/{name}" for prefix in own for name in ("pkgs", "envs")]  # conda keeps other libraries there
        away.append("/dev/shm")  # files of anybody, and all of ours where the temporary folder is there
        read = _tops([*_SYSTEM, *map(str, own), str(HERE), str(self.code.parent), *map(str, also)], away)
        nvidia = [str(path) for path in Path("/dev").glob("nvidia*")] + ["/dev/dxg"]  # of Windows' Linux
        return {
            "read": [*read, *_proc()],
            "hidden": sorted({os.path.realpath(path) for path in away}),
            "write": [str(self.out), str(self.tmp), *_DEVICES, *nvidia],
        }


def _tops(paths: Sequence[str], hidden: Sequence[str]) -> list[str]:
    """Paths without those that stand below another one, but for what is in a hidden folder: each is a rule, or a thousand."""
    real, away = {os.path.realpath(path) for path in paths}, {os.path.realpath(path) for path in hidden}
    above = {path: {str(folder) for folder in Path(path).parents} for path in real}
    return sorted(path for path in real if not above[path] & real or above[path] & away)


def _proc() -> list[str]:
    """What the kernel tells of the machine, and of whoever asks, but of no other process: through `fd` of the judge its
    output could be written.
    """
    if not Path("/proc/self").exists():
        return []
    return [f"/proc/{name}" for name in sorted(os.listdir("/proc")) if not name.isdecimal() and name != "thread-self"]


class Host:
    """The process whose forks run the experiment's code, one job at a time."""

    def __init__(self) -> None:
        self._line, theirs = socket.socketpair(socket.AF_UNIX, KIND)
        # One thread until there is a job: a process that forks should have no others.
        # What is in it at the start can be read from memory later, by the experiment too.
        told = {name: value for name, value in os.environ.items() if name not in _OF_THE_RUN}
        environment = {**_ALLOCATOR, **told, "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-I", str(HERE / "host.py")]
        self._process = subprocess.Popen(command, stdin=theirs.fileno(), stdout=2, env=environment, close_fds=True)
        theirs.close()
        self._busy = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._busy:
            self.end()
        self._line.close()
        self._process.wait()

    def start(self, part: str, place: JobFolders, files: Sequence[int], walls: object, **job: object) -> None:
        """Begin a job; `files` are handed over."""
        told: dict[str, object] = {**job, "part": part, "walls": walls}
        told |= {"code": str(place.code), "folder": str(place.out), "environment": place.environment()}
        with tempfile.TemporaryFile() as job_file:  # what is hidden may be thousands of files, too many for a message
            job_file.write(json.dumps(told).encode())
            job_file.flush()
            socket.send_fds(self._line, [b"job"], [job_file.fileno(), *files])
        self._busy = True

    def fileno(self) -> int:
        """To be selected on: readable when the job has ended."""
        return self._line.fileno()

    def result(self) -> Ended:
        """How the job ended; waits for it.

        Raises:
            PlayerError: if the host itself is gone.
        """
        self._busy = False
        told = received(self._line)
        if not told:
            raise PlayerError("The process that runs the experiment is gone; see above. Does this Python have torch?")
        return Ended(**json.loads(told))

    def cpu_seconds(self) -> float:
        """What the job has used of the processor so far; 0 where the kernel does not tell."""
        with contextlib.suppress(OSError):
            self._line.send(b"clock")
        told: dict[str, float] = json.loads(received(self._line, socket.MSG_PEEK) or "{}")
        if "exit" not in told:  # else that is the result, which is asked for yet
            received(self._line)
        return told.get("cpu_seconds", 0.0)

    def end(self) -> Ended:
        """End the job and all that it started."""
        self._line.send(b"end")
        return self.result()


def received(line: socket.socket, flags: int = 0) -> bytes:
    """What was said, nothing once the other side is gone. If that left words of ours unread, the kernel says so first, and
    has its last words after that.
    """
    for _ in range(2):
        with contextlib.suppress(OSError):
            return line.recv(_MESSAGE_BYTES, flags)
    return b""


def remove(*folders: Path) -> None:
    """Remove what an experiment may have written, as far as that can be. It may be deeper than Python's stack."""
    subprocess.run(["rm", "-rf", "--", *map(str, folders)], stderr=subprocess.DEVNULL, check=False)


class Predictor:
    """A model behind walls, asked for logits through shared memory. It sees rows of tokens, never what follows them."""

    def __init__(
        self, host: Host, place: JobFolders, walls: object, weights: Path, shape: Mapping[str, Any], rows: int
    ) -> None:
        self._host, self._rows, self._shape = host, rows, shape
        places = rows * int(shape["sequence_length"])
        file = os.memfd_create("logits") if hasattr(os, "memfd_create") else _unnamed(place.tmp)
        os.ftruncate(file, places * 4 * (1 + int(shape["vocabulary"])))
        self._shared = mmap.mmap(file, 0)
        self._asked = np.frombuffer(self._shared, np.int32, places).reshape(rows, -1)
        self._answers = np.frombuffer(self._shared, np.float32, offset=places * 4).reshape(*self._asked.shape, -1)
        self._line, theirs = socket.socketpair(socket.AF_UNIX, KIND)
        host.start("predict", place, [theirs.fileno(), file], walls, weights=str(weights), shape=shape, rows=rows)
        theirs.close()
        os.close(file)
        self.took: list[float] = []
        """Seconds of the processor: to load, then for each question; nothing on a GPU, and where the kernel does not tell."""
        self.begin()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not isinstance(error, PlayerError):
            self._host.end()
        self._line.close()

    def wait(self, seconds: float) -> None:
        """Wait for the next word, until the process has used so many seconds since the beginning.

        Raises:
            PlayerError: if the process ended or took too long.
        """
        watched: list[socket.socket | Host] = [self._line, self._host]
        ready: list[socket.socket | Host] = []
        while not ready and not (self._used.due() and self._used.past(seconds)):
            ready = select.select(watched, [], [], LOOK_S)[0]
        if self._line in ready and received(self._line):
            if self._used.on_cpu and (used := self._host.cpu_seconds()):
                self.took.append(used - sum(self.took))
            return
        if ready:
            ended = self._host.result()
            raise PlayerError(f"The model could not be asked: its process ended with exit {ended.exit}; see above.")
        self._host.end()
        raise PlayerError("The model took longer to answer than its training took. Make `predictor` faster.")

    def begin(self) -> None:
        """Count what is used from here on."""
        self._used = Stopwatch(self._host, self._shape["device"] == "cpu")

    @property
    def answers(self) -> NDArray[np.float32]:
        """Logits [rows, length, vocabulary], in memory that the model's process shares: copy them once, and use the copy."""
        return self._answers

    def logits(self, tokens: NDArray[np.int64], seconds: float) -> NDArray[np.float32]:
        """The answers to token ids [rows, length].

        Raises:
            PlayerError: as `wait`.
        """
        self._asked[: len(tokens)] = tokens
        with contextlib.suppress(OSError):  # gone, which `wait` tells
            self._line.send(str(len(tokens)).encode())
        self.wait(seconds)
        return self._answers[: len(tokens)]


def _unnamed(folder: Path) -> int:
    path = folder / "shared"
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    path.unlink()
    return file
