"""The only home of the `git` library: one process a call, bytes in, bytes out, hardened against the repository's own settings."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import Code, Refusal

if TYPE_CHECKING:
    import git

# Whatever a repository configures, our own calls run no code of its choice. The user's hooks run where a
# commit is made, through `git hook run`; filters stay on, because line endings and LFS depend on them.
_HARDENED = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.ignoreStat=false",
    "core.trustctime=true",
    "core.checkStat=default",
    "core.quotePath=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "submodule.recurse=false",
    "protocol.allow=never",
)

# Names that a parent git process exports; inherited, they would point our calls at another index or repository.
_INHERITED = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_LITERAL_PATHSPECS",
)

_UNATTENDED = {"GIT_TERMINAL_PROMPT": "0", "GIT_EDITOR": ":"}
_EXACT = {"GIT_OPTIONAL_LOCKS": "0", "GIT_NO_REPLACE_OBJECTS": "1", "GIT_LITERAL_PATHSPECS": "1"}


@dataclass(frozen=True)
class Answer:
    """What a git process said."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        """The output as text, without the final newline."""
        return os.fsdecode(self.out).removesuffix("\n")


class GitCli:
    """Runs git in one folder."""

    def __init__(self, folder: Path) -> None:
        self._git = _load(folder)

    def ask(
        self,
        *arguments: str,
        stdin: bytes = b"",
        environment: Mapping[str, str] | None = None,
        hooks: bool = False,
    ) -> Answer:
        """Run git and answer with whatever happened. With `hooks` it runs as the user's own git would, settings and all."""
        settings = () if hooks else [part for value in _HARDENED for part in ("-c", value)]
        command = ["git", *settings, *arguments]
        quiet = _UNATTENDED if hooks else {**_UNATTENDED, **_EXACT}
        with tempfile.TemporaryFile() as feed:
            feed.write(stdin)
            feed.seek(0)
            code, out, err = self._git.execute(
                command,
                istream=feed,
                with_extended_output=True,
                with_exceptions=False,
                stdout_as_string=False,
                strip_newline_in_stdout=False,
                env={**quiet, **(environment or {})},
            )
        return Answer(code, out, err if isinstance(err, str) else os.fsdecode(err))

    def run(self, *arguments: str, stdin: bytes = b"", environment: Mapping[str, str] | None = None) -> bytes:
        """Run git and return its output.

        Raises:
            Refusal: with git's own words when it fails.
        """
        answer = self.ask(*arguments, stdin=stdin, environment=environment)
        if answer.code != 0:
            raise Refusal(Code.GIT, f"`git {arguments[0]}` failed: {answer.err.strip() or answer.text}.")
        return answer.out

    def line(self, *arguments: str, stdin: bytes = b"", environment: Mapping[str, str] | None = None) -> str:
        """Run git and return its output as text without the final newline."""
        return os.fsdecode(self.run(*arguments, stdin=stdin, environment=environment)).removesuffix("\n")


def _load(folder: Path) -> git.Git:
    for name in _INHERITED:
        os.environ.pop(name, None)
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    try:
        import git  # imported late: it costs 0.15 s and starts a process
    except ImportError as error:  # pragma: no cover - needs a machine without git
        raise Refusal(Code.GIT, "git was not found on PATH. Install git 2.36 or later and try again.") from error
    return git.Git(str(folder))
