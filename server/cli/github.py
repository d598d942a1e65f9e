"""What GitHub shows of a job: annotations beside the run, and its summary."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...tools.lab.context import RepoContext
from ...tools.report.as_text import in_markdown
from ...tools.report.morning import MOST_FAILED
from ...tools.report.writing import exported
from ...tools.workflows.ledger.handoff import GateCheck

WORDS = {True: "pass", False: "FAIL", None: "unknown"}
MOST_PATCHES = 200_000
"""Characters of the patches in a summary, which takes 1 MiB in all."""


def tell(
    checks: Sequence[GateCheck], context: RepoContext | None, environment: Mapping[str, str], annotate: bool
) -> None:
    """Where GitHub runs the job, annotate what does not hold, and add checks and session to the job's summary.

    Source: GitHub, workflow commands for GitHub Actions.
    """
    if environment.get("GITHUB_ACTIONS") == "true" and annotate:
        levels = {False: "error", None: "warning"}
        lines = (
            f"::{levels[one.passed]} title=autoresearch gate::{_data(f'{one.name}: {one.seen}')}"
            for one in checks
            if not one.passed
        )
        sys.stdout.write("".join(f"{line}\n" for line in lines))
    if summary := environment.get("GITHUB_STEP_SUMMARY"):
        rows = [f"| {WORDS[one.passed]} | {in_markdown(one.name)} | {in_markdown(one.seen)} |" for one in checks]
        table = "\n".join(["| | barrier | seen |", "|---|---|---|", *rows])
        session = exported(context, "md", MOST_PATCHES, MOST_FAILED) if context and context.session else ""
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(f"{table}\n\n{session}")


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
