"""The tools, one line a tool, with all that they import."""

from __future__ import annotations

from collections.abc import Mapping

from mcp.server.mcpserver.tools import Tool

from ..prompts import Prompt
from ..tools.lab.access import Lab
from ..tools.plan.model import Plan
from ..tools.verbs.loop import Loop
from ..tools.verbs.notes import Notes
from ..tools.verbs.parallel import Parallel
from ..tools.verbs.planning import Planning
from ..tools.verbs.review import Review
from ..tools.verbs.running import Running
from ..tools.verbs.sessions import Sessions
from ..tools.verbs.training import Training
from ..tools.verbs.workflows import Workflows
from .consenting import PLANS, SHIPMENT, START
from .prompting import live_playbook
from .tool import READS, REPEATS, WRITES, HostPage, tool


def offered(lab: Lab, prompts: Mapping[str, Prompt], view: HostPage, status: Tool) -> list[Tool]:
    """Return every tool, in the order of the list; `status` is there before the others."""
    planning, sessions, loop, review, running = Planning(lab), Sessions(lab), Loop(lab), Review(lab), Running(lab)
    parallel, training, notes = Parallel(lab), Training(lab), Notes(lab)
    workflows = Workflows(lab, {name: live_playbook(lab, prompt) for name, prompt in prompts.items()})
    return [
        tool(lab, planning.inspect_project, "Inspect project", READS),
        tool(lab, planning.check_plan, "Check plan", WRITES, asks=PLANS, may_last=True),
        tool(lab, sessions.start_session, "Start session", WRITES, asks=START, may_last=True, unlisted=Plan),
        status,
        tool(lab, loop.iterate, "Iterate", WRITES, always_load=True, may_last=True),
        tool(lab, parallel.workspace, "Workspace", WRITES),
        tool(lab, parallel.submit, "Submit", WRITES),
        tool(lab, parallel.design, "Design", WRITES),
        tool(lab, running.wait, "Wait for a run", REPEATS),
        tool(lab, running.cancel, "Cancel a run", REPEATS),
        tool(lab, loop.commit, "Commit experiment", WRITES, may_last=True),
        tool(lab, loop.verify, "Verify", WRITES, may_last=True),
        tool(lab, loop.guard, "Guard", WRITES, may_last=True),
        tool(lab, loop.revert, "Revert experiment", WRITES, may_last=True),
        tool(lab, loop.log, "Log iteration", WRITES, may_last=True),
        tool(lab, training.train, "Train", WRITES, may_last=True),
        tool(lab, review.detect_stuck, "Detect stuck", READS),
        tool(lab, review.history, "History", WRITES, may_last=True),
        tool(lab, review.report, "Report", REPEATS, view=view),
        tool(lab, sessions.finish_session, "Finish session", WRITES, may_last=True),
        tool(lab, notes.note, "Note", WRITES),
        tool(lab, workflows.workflow, "Workflow", WRITES, asks=SHIPMENT, may_last=True),
        tool(lab, workflows.record, "Record", WRITES, may_last=True),
        tool(lab, workflows.playbook, "Playbook", READS, always_load=True),
    ]
