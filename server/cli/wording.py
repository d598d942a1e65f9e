"""Answers and refusals as a person in a terminal needs them: the tools that an agent would call by the commands that do it."""

from __future__ import annotations

import re

_OURS = "autoresearch-mcp"
_OPEN = f"A try is open. Its agent goes on with it, or `{_OURS} settle` brings it to its end."
_PHRASES = (
    (
        r"`\w+` is not possible in phase `ready`\. Call one of: [^.]*\.",
        f"A session is open: `{_OURS} finish` closes it.",
    ),
    (r"`\w+` is not possible in phase `[\w-]+`\. Call one of: [^.]*\.", _OPEN),
    (r"An iteration is open\. Decide it first(?:: call iterate without `again` and `undo`, or revert)?\.", _OPEN),
    (r"(was finished on [^,]*), so there is nothing .*? Call one of: [^.]*\.", rf"\1. `{_OURS} start` begins another."),
    (r", so there is nothing for `\w+` to do\. Call one of: [^.]*\.", f". Begin one with `{_OURS} start`."),
    (r"Finish it with finish_session first, or go on: [^.]*\.", f"Finish it first: `{_OURS} finish`."),
    (r"(The session has ended: .*?) Call one of: [^.]*\.", rf"\1 `{_OURS} finish` closes it."),
    (r": call wait for its answer, or cancel\.", "."),
    (r"(?:call|Call) `?status`? (until|to)", rf"`{_OURS} status` tells, \1"),
    (r"call history with before=(\d+)", rf"`{_OURS} history --before \1`"),
    (r"history\(iteration=(\d+)\)", rf"`{_OURS} history \1`"),
    (r", by iterate without `again` and `undo`,", ""),
    (r"(to (?:fix|rework) it), or revert\.", rf"\1; `{_OURS} settle` gives it up."),
    (r"`history` lists them", f"`{_OURS} history` lists them"),
    (
        r"No plan was given, check_plan passed none, and (\S+) does not exist\. Give check_plan the fields, or write that file\.",
        rf"There is no \1 here. Write one with `{_OURS} init`.",
    ),
    (r"; pass one to check_plan:", f"; `{_OURS} init GOAL` writes the first:"),
    (r", and call check_plan with the plan below", ""),
    (r"Then check_plan with: ", "Then an autoresearch.toml with these keys: "),
    (r"give check_plan a verify command", "write an autoresearch.toml with a verify command"),
    (r"check_plan with\b", "an autoresearch.toml with"),
    (r"call playbook with ", "tell your agent to use the playbook "),
    (r"start_session, which takes this plan", f"`{_OURS} start` begins"),
    (r"check_plan without arguments tries it", "check_plan tries it"),
    (
        r"then call iterate with one sentence on what you changed",
        "then have your agent call `iterate` with one sentence on what changed",
    ),
)
_COMMANDS = {
    "check_plan": "check",
    "start_session": "start",
    "finish_session": "finish",
    "inspect_project": "plan",
    "detect_stuck": "report",
}  # fmt: skip
_NAME = re.compile(rf"\b(?:[Cc]all )?({'|'.join(_COMMANDS)})\b")


def for_people(words: str) -> str:
    """Return what an answer says with commands in place of tools."""
    for pattern, instead in _PHRASES:
        words = re.sub(pattern, instead, words)
    return _NAME.sub(lambda found: f"`{_OURS} {_COMMANDS[found[1]]}`", words)
