"""Runs of a proof in a checkout of ours, of what git has: as it is, and with stand-ins for the code that is cited."""

from __future__ import annotations

import hashlib
import random
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...errors import Code, Refusal
from ...git.paired_checkout import PairedCheckout
from ...iteration.gates import listed
from ...lab.context import GATE, PROOF, RepoContext
from ...measurement.meter import import_paths
from ...process.runner import CommandSpec
from ...text.redaction import redact_tail
from ..ledger.evidence import baseless
from ..ledger.items import Cited, Proof
from ..ledger.pages import one_line
from ..ledger.state import Ran
from .left_alone import edited
from .rests_on import outside_files
from .stand_ins import LOADING, CitedCode

TIMEOUT_S = 120.0
TAIL_CHARACTERS = 1500
_SECRET = secrets.token_bytes()
"""What no program can know that counts its runs, and wants to guess which comes next."""
Contents = Mapping[str, bytes | None]
"""What stands in some files of a checkout, otherwise than in the commit; None where there is no such file."""


def tried(context: RepoContext, proof: Proof, cited: Cited, seen: Ran) -> Ran:
    """Return what a proof that showed a fault in the user's checkout shows of the code that it cites.

    It has to fail in its words in a checkout of what git has, as it is and with a line more that does nothing; and otherwise
    without that code, where what is left can be loaded; and not whatever that code answers. These run in no order that a
    program could know.
    """
    code = cited_code(context, cited)
    folder = PairedCheckout(context.repo, PROOF).folder
    command = Proof(command=proof.command, fails_with=proof.fails_with)
    variants: dict[str, tuple[Contents, Proof]] = {
        "": ({}, command),
        "without": ({cited.path: code.emptied()}, command),
    }
    if alike := code.alike(str(folder), str(folder.resolve())):
        variants["alike"] = ({cited.path: alike}, command)
    if answering := code.answering():
        variants["answering"] = ({cited.path: answering}, proof)
    found = in_checkouts(context, variants)
    seen = seen.model_copy(update={"emptied": code.name, "without": found["without"][0]})
    return seen.model_copy(update={"says_nothing": _why_nothing(context, proof, code, seen, found)})


def _why_nothing(
    context: RepoContext, proof: Proof, code: CitedCode, seen: Ran, found: Mapping[str, Sequence[Ran]]
) -> str:
    """Return why a proof says nothing of the code that it cites; empty where it does, or says so by itself."""
    clean, without, alike = found[""][0], found["without"][0], found.get("alike", [Ran(command=proof.command)])[0]
    if elsewhere_otherwise(clean, seen):
        return only_here(context)
    if baseless(seen):
        return ""
    lacking = LOADING.search(without.tail) if code.path.endswith(".py") and without.failed else None
    if lacking and not LOADING.search(seen.tail):
        said = one_line(lacking[0])[:120]
        return (
            f"without {code.name} it cannot be loaded ({said}), which shows nothing of it. Cite the line that does it"
        )
    if elsewhere_otherwise(alike, seen):
        why = "it looks at the text of that file, runs a copy, or does not repeat. Run the code where it lies"
        return f"with a line in {code.name} that does nothing it ends otherwise: {why}"
    fails = found.get("answering", ())
    if fails and fails_alike(fails) and not _decides(context, proof, code):
        cure = (
            "Cite the code that does it, or take a control that this code decides, such as an input that it does refuse"
        )
        return f"whatever {code.name} answers it fails in the same words, and the control passes: it fails by itself. {cure}"
    return ""


def elsewhere_otherwise(there: Ran, seen: Ran) -> bool:
    """Tell whether a command ended otherwise than where it was seen; not where it could not be begun for what was built there."""
    return there.exit_code not in {None, 126, 127} and (there.failed, there.named) != (seen.failed, seen.named)


def only_here(context: RepoContext) -> str:
    """Say that what ended so in the user's checkout ends otherwise in one of ours."""
    changed = sorted(edited(context))
    where = f"with {listed(changed)} as git has it" if changed else "in another checkout of the same commit"
    return f"{where} it ends otherwise. Show what is committed, wherever it lies"


def fails_alike(runs: Sequence[Ran]) -> bool:
    """Tell whether a proof showed its fault once more: the command failed in its words, and the control passed."""
    command, *controls = runs
    return command.failed and command.named and all(one.passed for one in controls)


def _decides(context: RepoContext, proof: Proof, code: CitedCode) -> bool:
    """Tell whether a command passes where the code refuses: a check that lets too much through lets everything through that does
    nothing, and it is by refusing that it shows what it is there for.
    """
    files = [context.repo.root / path for path, _ in proof.files] + [
        Path(path) for path in outside_files(context, proof)
    ]
    texts = [one.read_text("utf-8", "replace") for one in files if one.is_file()]
    command = Proof(command=proof.command, fails_with=proof.fails_with)
    refusing = code.refusing("\n".join([*proof.commands, *texts]))
    return any(elsewhere(context, {code.path: text}, command)[0].passed for text in refusing)


def cited_code(context: RepoContext, cited: Cited) -> CitedCode:
    """Return the code that an item cites, as it stands at HEAD."""
    return CitedCode.of(cited, text_at(context, context.repo.head(), cited.path))


def text_at(context: RepoContext, commit: str, path: str) -> str:
    """Return a file as a commit has it; empty where it has none."""
    return (context.repo.content(commit, path) or b"").decode("utf-8", "replace")


def elsewhere(
    context: RepoContext, files: Contents, proof: Proof, *, commit: str = "", anew: bool = False, clean: bool = False
) -> list[Ran]:
    """Run a proof's commands, that a person agreed to, in a checkout of ours: at HEAD or another commit, but with these contents
    of some files. Files that git neither has nor ignores come along unless it is to be `clean`.
    """
    return in_checkouts(context, {"": (files, proof)}, commit=commit, anew=anew, clean=clean)[""]


def in_checkouts(
    context: RepoContext,
    variants: Mapping[str, tuple[Contents, Proof]],
    *,
    commit: str = "",
    anew: bool = False,
    clean: bool = False,
) -> dict[str, list[Ran]]:
    """Run the commands of each variant, in turns that no program can foresee; return what they did by the variant's name."""
    place = PairedCheckout(context.repo, GATE if anew else PROOF, pristine=True)
    at = f" at {context.now()}" if anew else ""
    names = sorted(variants)
    random.Random(_SECRET + "\0".join(p.command for _, p in variants.values()).encode()).shuffle(names)
    found: dict[str, list[Ran]] = {}
    try:
        for name in names:
            files, proof = variants[name]
            what = f"elsewhere {name} {commit} {_which(files)}{' clean' if clean else ''}{at}"
            try:
                folder = place.check_out(commit or context.repo.head(), () if clean else context.untracked)
                write_contents(folder, files)
                found[name] = _run_there(context, folder, proof, what)
            except Refusal as refusal:
                unseen = {"fails_with": proof.fails_with, "why": refusal.message}
                found[name] = [Ran(command=one, **unseen) for one in proof.commands]
    finally:
        place.remove()
    return found


def _which(files: Contents) -> dict[str, str]:
    return {path: hashlib.sha256(text or b"").hexdigest()[:12] for path, text in sorted(files.items())}


def write_contents(folder: Path, files: Contents) -> None:
    """Put these contents of files into a checkout."""
    for path, content in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.resolve().is_relative_to(folder.resolve()):
            raise Refusal(Code.GIT, f"{path} leads out of the checkout.")
        file.unlink(missing_ok=True)
        if content is not None:
            file.write_bytes(content)


def _run_there(context: RepoContext, folder: Path, proof: Proof, what: str) -> list[Ran]:
    root = context.repo.root
    paths = import_paths(root, folder)
    specs = [CommandSpec(one.replace(str(root), str(folder)), folder, TIMEOUT_S, paths) for one in proof.commands]
    keys = [context.runs.key(f"{what} {command}") for command in proof.commands]
    every = zip(keys, specs, proof.commands, strict=True)
    return [run_command(context, key, spec, command, proof.fails_with) for key, spec, command in every]


def run_command(context: RepoContext, key: str, spec: CommandSpec, command: str, fails_with: str) -> Ran:
    """Run a command, or join the run of this key; return what it did under the words in which it was given."""
    run = context.runs.run(key, spec)
    printed = run.stdout + run.stderr + ("\ntimed out" if run.timed_out else "")
    return Ran(
        command=command,
        fails_with=fails_with,
        named=bool(fails_with) and one_line(fails_with) in one_line(_without_echo(printed, command)),
        exit_code=None if run.lost or run.cancelled else run.exit_code,
        timed_out=run.timed_out,
        seconds=round(run.seconds, 3),
        tail=redact_tail(run.stdout + run.stderr, TAIL_CHARACTERS),
        output=run.digest,
        why="cancelled" if run.cancelled else run.problem,
    )


def _without_echo(printed: str, command: str) -> str:
    """Return what was printed without the lines in which a traceback shows the command itself (Python 3.13 and later)."""
    return "\n".join(line for line in printed.splitlines() if line[:4].strip() or line.strip() not in command)
