"""How far a document is behind the files that it describes, by git's history."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...git.repo import Repo
from .validation import Behind

_MOST_COMMITS = 5000


def behind(repo: Repo, document: str, files: Sequence[str], reviewed_at: str = "") -> Behind:
    """How far a document's last commit is behind the newest commit that changed one of these files after it, by their
    commit times; with `reviewed_at`, after that commit too. A document that git does not have is not behind.
    """
    last = repo.git.ask("log", "-1", "--format=%H %ct", "--", document).text.split()
    if len(last) != 2 or not files:
        return Behind()
    since = [f"^{last[0]}", *([f"^{reviewed_at}"] if reviewed_at else [])]
    plain = ("-c", "core.quotePath=false")  # names as they are, not between quotes
    form = (f"-{_MOST_COMMITS}", "--format=commit %ct", "--name-only", "--no-renames")
    answer = repo.git.ask(*plain, "log", *form, "HEAD", *since, "--", *files)
    times = [int(time) for time in re.findall(r"^commit (\d+)$", answer.text, re.MULTILINE)]
    names = (line for line in answer.text.splitlines() if line and not re.fullmatch(r"commit \d+", line))
    changed = tuple(dict.fromkeys(name for name in names if name in set(files)))
    return Behind(float(max(0, max(times) - int(last[1]))), changed[:20]) if times else Behind()
