"""A repository to practise on: the GPT harness, copied, committed, and ready for its first session."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

from .edges.repo import create_repository
from .errors import Code, Refusal
from .rules.plan import PLAN_FILE

HARNESS = Path(__file__).parent.parent / "gpt_harness"
HARNESS_FILES = ("train.py", "prepare.py", "evaluate.py", "program.md", PLAN_FILE)
_IGNORED = "__pycache__/\n*.log\n*.pt\n"


def create_harness(folder: Path, python: str) -> Path:
    """Make a git repository of the harness in a new or empty folder. `python` is the interpreter that will train.

    Raises:
        Refusal: if the folder holds anything.
    """
    require_empty(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name in HARNESS_FILES:
        shutil.copyfile(HARNESS / name, folder / name)
    plan = folder / PLAN_FILE
    plan.write_text(plan.read_text(encoding="utf-8").replace("{python}", shlex.quote(python)), encoding="utf-8")
    (folder / ".gitignore").write_text(_IGNORED, encoding="utf-8")
    create_repository(folder, "A small GPT to improve")
    return folder


def require_empty(folder: Path) -> None:
    """Refuse to make anything in a folder that holds something.

    Raises:
        Refusal: naming the folder.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Refusal(Code.BAD_ARGUMENT, f"{folder} exists and is not empty. Name a folder that does not exist yet.")
