"""The page of what is on disk."""

from __future__ import annotations

from autoresearch_mcp.tools.plan.model import PLAN_FILE
from autoresearch_mcp.tools.session.results import COLUMNS, RESULTS_FILE

from .markdown import codes, page


def files_page() -> str:
    """What is on disk."""
    return page("# Files", FILES.format(plan=PLAN_FILE, results=RESULTS_FILE, columns=codes(COLUMNS)))


FILES = """\
## In the repository

| file | what it is | who writes it |
|---|---|---|
| `{plan}` | the plan: [its keys](plan.md). Commit it: that is how you agree to its commands | you |
| `{results}` | one row an iteration: [the results file](../tutorial.md#the-results-file). Columns: {columns} | the server; git ignores it through `.git/info/exclude` |
| `autoresearch/WORKFLOW-DATE-WORDS/` | what a closed workflow leaves: `summary.md`, `handoff.json` and its own files | the server; ignored by git in the same way |

## In git's own folder

All of this is in `.git/autoresearch/`; in a linked worktree, in the folder of the repository that it belongs to.

| file | what it is |
|---|---|
| `journal.db` | the truth: every attempt, sample, receipt and reason, in a hash chain. SQLite; to move a session, move this |
| `legs.jsonl`, `notes.json` | what each leg of `autoresearch-mcp run` took and brought; the notes that the agent left for its next context |
| `driver/` | who drives, and the files that its client is called with; each worktree has its own, in `autoresearch/` of its git folder |
| `lock` | held while a call writes. Death releases it; there is nothing to clean up |
| `engine.log` | what the library of Ray or Slurm printed, where runs are made [on other machines](../how-to/agents.md#on-other-machines) |
| `job.json`, `intent.json`, `runs/` | the call, the step on git and the run that are under way: see [when something dies](../recovery.md) |

## In your home folder

| place | what it is |
|---|---|
| `~/.cache/autoresearch/` | the second checkout in which a noisy metric is measured, one a repository; `finish_session` removes it. On a node of a cluster the repositories of sessions that ran there. Elsewhere with `XDG_CACHE_HOME` |
| `~/.cache/autoresearch-mcp/` | packed text for the GPT harness (elsewhere with `AUTORESEARCH_CACHE`); the recorded lists of a server whose code was changed |
| `~/.local/state/autoresearch-mcp/` | `server.log`, the token of `serve --http`, what clients passed on to the server. Elsewhere with `XDG_STATE_HOME` |
| the same folder, always there: `approvals.key`, `approvals/`, `plans/`, `journals/` | a key of this account, and under its seals, a file a repository: what people agreed to, which plans a server saw committed, and which record of the journal came last |
"""
