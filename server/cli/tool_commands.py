"""The tools for people, scripts and CI: the same verbs, and what other tools left, printed. Each public function runs a
command, with the root folder and the parsed options, and returns the exit status.
"""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from pathlib import Path

from ...tools.errors import Code, Refusal
from ...tools.evals.pages import as_lines
from ...tools.evals.reading import Evaluated, evaluate, evaluate_file
from ...tools.evals.rows import ResultsFormat
from ...tools.lab.access import Lab
from ...tools.lab.answers import Answer
from ...tools.plan.model import PLAN_FILE, Plan
from ...tools.process.processes import lineage
from ...tools.text.redaction import visible
from ...tools.verbs.planning import agree_to, commands_without_consent, wanted_commands, whose_yes
from ...tools.verbs.training import Training
from ...tools.verbs.workflows import Workflows
from ...tools.workflows.ci_gate import GateDemands, gate_checks
from ...tools.workflows.ledger.handoff import GateCheck, exit_status
from ...tools.workflows.ship.approval import approve_shipment, waiting_shipment
from .github import WORDS, tell
from .printing import print_answer, print_json


def workflow(root: Path, options: Namespace) -> int:
    """Open, show, run or close the ledger of a workflow."""
    lab = Lab(root, allow_commands=options.allow_commands)
    given = {key: _value(value) for key, _, value in (pair.partition("=") for pair in options.pairs)}
    return print_answer(options.json, lambda: Workflows(lab, {}).workflow(options.name, options.action, given))


def train(root: Path, options: Namespace) -> int:
    """Train once, as a trial; returns the exit status: 1 without a score."""
    lab = Lab(root, allow_commands=options.allow_commands)
    scored: list[bool] = []

    def ask() -> Answer:
        answer = Training(lab).train(options.budget, options.device)
        scored.append(answer.val_bpb is not None)
        return answer

    return print_answer(options.json, ask) or (0 if scored == [True] else 1)


def gate(root: Path, options: Namespace) -> int:
    """Print one line a check, for CI; returns the exit status. Only reproductions of findings are run again, where a person
    agreed to them; all else was measured and decided before."""
    asked = GateDemands(
        options.target, options.fail_on, options.regression, tuple(options.complete), options.uncommitted
    )
    context = None
    try:
        context = Lab(root, allow_commands=options.allow_commands).for_reading()
        checks = gate_checks(context, asked)
    except Refusal as refusal:
        checks = [GateCheck("repository", None, refusal.message)]
    status = exit_status(checks)
    if options.json:
        rows = [{"barrier": one.name, "passed": one.passed, "seen": one.seen} for one in checks]
        print_json({"status": status, "barriers": rows})
    else:
        sys.stdout.write("".join(f"{WORDS[one.passed]:8}{one.name}: {one.seen}\n" for one in checks))
    tell(checks, context, os.environ, not options.json)
    return status


def evals(root: Path, options: Namespace) -> int:
    """Analyse a results file and print what it tells; returns the exit status."""
    try:
        found = _evaluated(root, options.file, options.direction)
    except Refusal as refusal:
        sys.stderr.write(f"{refusal.message}\n")
        return 2
    text = "\n".join([f"{found.source}:", *as_lines(found.analysis)])
    sys.stdout.write((found.analysis.model_dump_json(indent=1) if options.json else text) + "\n")
    return 2 if found.analysis.format == ResultsFormat.UNKNOWN else 0


def _evaluated(root: Path, file: str, direction: str) -> Evaluated:
    """In a repository, with what its journal and its commits tell; a file anywhere else, by itself."""
    given = Path(file).expanduser() if file else None
    place = given.resolve() if given and given.exists() else None
    try:
        context = Lab(root).for_reading()
    except Refusal as refusal:
        if refusal.code is not Code.NOT_A_REPOSITORY:
            raise
        return evaluate_file(place or root / file, direction)
    top = context.repo.root.resolve()
    if place and not place.is_relative_to(top):
        return evaluate_file(place, direction)
    return evaluate(context, str(place.relative_to(top)) if place else file, direction)


def _value(text: str) -> object:
    """What was typed: a number, a truth, a list or an object where it reads as JSON; else words."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def approve(root: Path, options: Namespace) -> int:
    """Show what waits for a yes, and ask; returns the exit status: 0 agreed, 1 not, 2 nothing could be asked."""
    lab = Lab(root)
    try:
        lab.for_reading()
        if options.json:
            return _listed(lab)
        statuses = [status for ask in (_commands, _shipment) if (status := ask(lab, root)) is not None]
        if statuses:
            return max(statuses)
        told = whose_yes(lab)
    except Refusal as refusal:
        return _say(refusal.message, 2)
    return _say(f"Nothing to agree to{f': {told}' if told else ', and no agent asked for anything'}.", 0)


def _listed(lab: Lab) -> int:
    """Print what waits for a yes as JSON, and ask nothing; 1 if something does."""
    commands, shipment = _missing(lab)[1], waiting_shipment(lab)
    waiting = {"commands": [*map(visible, commands)], "shipment": shipment.question if shipment else ""}
    sys.stdout.write(json.dumps(waiting, ensure_ascii=False) + "\n")
    return int(bool(commands or shipment))


def _missing(lab: Lab) -> tuple[bool, tuple[str, ...]]:
    """Return whether the plan file asks for something, and all that nobody agreed to."""
    planned, wanted = commands_without_consent(lab, Plan(), ""), wanted_commands(lab)
    return bool(planned), (*planned, *(command for command in wanted if command not in planned))


def _commands(lab: Lab, root: Path) -> int | None:
    """Ask for the commands that nobody agreed to; None if there are none."""
    planned, missing = _missing(lab)
    if not missing:
        return None
    listed = "\n".join(f"  {visible(command)}" for command in missing)
    asker = PLAN_FILE if planned else "An agent"
    shown = f"{asker} in {root} asks to run, as you, on this machine:\n\n{listed}\n\n"
    if status := asked(shown, "yes"):
        return status
    agree_to(lab, missing, _where())  # what was shown, whatever stands in the files by now
    return _say("Agreed. The server may run these exact commands in this repository.", 0)


def _shipment(lab: Lab, root: Path) -> int | None:
    """Ask for the shipment that waits on this branch; None if none does."""
    waiting = waiting_shipment(lab)
    if waiting is None:
        return None
    if status := asked(f"In {root}:\n\n{waiting.question}\n\n", "ship"):
        return status
    approve_shipment(lab, waiting.digest, _where())
    return _say("Approved: this commit with this checklist, and nothing else.", 0)


def _where() -> str:
    """Say where a word was typed: an agent can open a terminal too, so who typed it is for whoever reads this to judge."""
    above = lineage()
    return f"in a terminal ({os.ttyname(sys.stdin.fileno())}{f', below {above}' if above else ''})"


def asked(shown: str, word: str) -> int:
    """Show and ask; 0 if the word was typed, 1 if not, 2 if there is nobody to ask."""
    if not sys.stdin.isatty():
        return _say("This asks a person: run it in a terminal.", 2)
    sys.stdout.write(f"{shown}Type {word} to agree: ")
    sys.stdout.flush()
    return 0 if sys.stdin.readline().strip().lower() == word else _say("Not agreed; nothing was stored.", 1)


def _say(text: str, status: int) -> int:
    (sys.stderr if status == 2 else sys.stdout).write(f"{text}\n")
    return status
