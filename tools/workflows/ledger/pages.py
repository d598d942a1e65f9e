"""Ledgers as pages that people read: what all of them share, and the templates of a workflow filled in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ...text.templates import fill
from .handoff import Handoff, HandoffFinding, is_plan
from .ledger import Ledger
from .untrusted_text import flagged

if TYPE_CHECKING:
    from .rules import WorkflowRules


def render(package: str, template: str, **values: object) -> str:
    """Fill in a template of the folder `templates` of a workflow's package.

    It may use `clipped`, `code`, `flagged`, `many`, `one_line`, `plain`, `quoted` and `sentence`, as filters or functions.
    """
    helpers = (clipped, code, flagged, many, one_line, plain, quoted, sentence)
    return fill(package, template, {one.__name__: one for one in helpers}, values)


def summary_page(ledger: Ledger, rules: WorkflowRules, handoff: Handoff) -> str:
    """What came of a ledger, on one page."""
    scores = [
        f"| {s.name} | {s.value:.1f} | {'no bound' if s.most is None else f'{s.most:g}'} |"
        for s in rules.scores(ledger)
    ]
    coverage = [f"| {part.name} | {part.done} | {part.of} |" for part in rules.coverage(ledger)]
    next_steps = [f"- `{step.prompt}`: {step.why}" + taking(step.takes) for step in handoff.next]
    ended = f"{handoff.status}{f': {handoff.why}' if handoff.why else ''}"
    told = {} if is_plan(handoff.config) else handoff.config
    result = {name: value for name, value in told.items() if value not in ("", None)}
    before = f" It goes on from `{handoff.incoming}`." if handoff.incoming else ""
    where = f"at {handoff.at}, commit {handoff.commit[:7]} of branch {handoff.branch}"
    parts = [
        f"# {ledger.workflow.title()}{f': {goal}' if (goal := ledger.options.goal) else ''}\n",
        f"{sentence(ended[:1].upper() + ended[1:])} {many(len(ledger.entries), 'item')}, {where}.{before}\n",
        section("Result", [f"- {name.replace('_', ' ')}: {value}" for name, value in result.items()]),
        section("Scores", ["| score | value | of |", "|---|---|---|", *scores] if scores else []),
        section("Coverage", ["| what | done | of |", "|---|---|---|", *coverage] if coverage else []),
        section("Findings", finding_lines(handoff.findings)),
        section("Still missing", [f"- {line}" for line in handoff.missing]),
        section("Next", next_steps),
    ]
    return "\n".join(part for part in parts if part)


def section(title: str, lines: Iterable[str]) -> str:
    """A headed part of a page; nothing without lines."""
    body = "\n".join(lines)
    return f"## {title}\n\n{body}\n" if body else ""


def finding_lines(findings: Iterable[HandoffFinding]) -> list[str]:
    """One line a finding, the place and what became of it with it."""
    return [
        f"- **{one.id}** ({one.severity}{', confirmed' if one.confirmed else ''}{_voted(one)}) {one.title.rstrip('.')}"
        + (f", `{one.location}`" if one.location else "")
        + _settled(one)
        for one in findings
    ]


def taking(ids: tuple[str, ...]) -> str:
    """Which items something takes, in words."""
    return f" (takes {', '.join(ids[:20])})" if ids else ""


def sentence(text: str) -> str:
    """A text that ends as a sentence does."""
    return text if text.endswith((".", "!", "?", ":", "…")) else f"{text}."


def many(number: int, noun: str) -> str:
    """A number of things, in words."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def clipped(text: str, length: int) -> str:
    """A text on one line of at most `length` characters, which shows that it goes on."""
    flat = one_line(text)
    return flat if len(flat) <= length else f"{flat[: length - 1].rstrip()}…"


def code(text: str) -> str:
    """A text as code within a line, also one that has backticks."""
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def quoted(text: str, fence: str = "```") -> str:
    """A text as a block that cannot end before its own end."""
    while fence in text:
        fence += "`"
    return f"{fence}\n{text}\n{fence}"


def one_line(text: str) -> str:
    """A text on one line."""
    return " ".join(text.split())


def plain(text: str) -> str:
    """A text on one line that opens no tag in Markdown."""
    return one_line(text).replace("<", "\\<")


def _voted(finding: HandoffFinding) -> str:
    return f", by votes {finding.standing}" if finding.standing else ""


def _settled(finding: HandoffFinding) -> str:
    if finding.outcome is None:
        return ""
    word = finding.outcome.upper() if finding.outcome.over else str(finding.outcome)
    return f". **{word}** by {finding.settled_by}"
