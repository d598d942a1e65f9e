"""Which call is at work in a repository: a small file that outlives the server, so that the next one can go on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from ..storage.disk import write_atomically
from ..vocabulary import Tool

JOB_FILE = "job.json"


class JobRecord(BaseModel):
    """A call and the id of its run. `arguments` are as the client gave them; `server` tells one server's life from another's.

    A call that is `done` is kept until the next one begins: its server may have died before it gave the answer.
    """

    model_config = ConfigDict(frozen=True)

    run: str
    tool: Tool
    arguments: dict[str, Any] = {}
    server: str = ""
    done: bool = False

    def same(self, other: JobRecord) -> bool:
        """Whether this is the same call."""
        return (self.tool, self.arguments) == (other.tool, other.arguments)


def write_job(folder: Path, record: JobRecord) -> None:
    """Note that a call is at work."""
    write_atomically(folder / JOB_FILE, record.model_dump_json())


def read_job(folder: Path) -> JobRecord | None:
    """The call that is at work, or that a dead server left unfinished; None if there is none."""
    try:
        return JobRecord.model_validate_json((folder / JOB_FILE).read_bytes())
    except (OSError, ValidationError):
        return None
