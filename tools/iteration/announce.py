"""The plan's own commands that hear of a keep and of the end. Each is told at most once: a server that dies first tells nobody."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from typing import Any

from ..lab.context import RepoContext
from ..measurement.runs import has_sandbox
from ..process.announcing import announce
from ..session.events import Row
from ..session.summary import summarise
from ..session.telling import headline_words
from ..text.redaction import redact_json, redactor


def announce_keep(context: RepoContext, row: Row) -> str:
    """Run the plan's `on_keep` with a kept row; returns what went wrong, in words."""
    told = {"row": row.model_dump(mode="json", exclude={"receipts"}), "headline": headline_words(context.active)}
    return _announce(context, "keep", context.active.plan.on_keep, told)


def announce_end(context: RepoContext) -> str:
    """Run the plan's `on_end` with the summary of a session; returns what went wrong, in words."""
    told = {"summary": summarise(context.active, context.now()).model_dump(mode="json")}
    return _announce(context, "end", context.active.plan.on_end, told)


def _announce(context: RepoContext, event: str, command: str, told: Mapping[str, Any]) -> str:
    session, repo, runs = context.active, context.repo, context.runs
    plan = session.plan
    if not command:
        return ""
    if plan.sandbox == "on" and not has_sandbox(plan):
        return f"on_{event} was not run: the plan wants a sandbox, and there is none."
    about = {
        "event": event,
        "session": session.id,
        "goal": plan.goal,
        "metric": plan.metric,
        "branch": session.start.branch,
    }
    text = json.dumps(redact_json({**about, **told}, redactor()), ensure_ascii=False)
    own, key = tempfile.mkdtemp(prefix="autoresearch-") if has_sandbox(plan) else "", runs.key(f"{event} {command}")
    try:
        wrong = announce(
            lambda asked: runs.run_sandboxed(plan, key, asked, own),
            command,
            event,
            text,
            repo.root,
            repo.own_folder / "told",
        )
    finally:
        if own:
            shutil.rmtree(own, ignore_errors=True)
    return f"on_{event} {wrong}." if wrong else ""
