"""Run what is to prove an item: its command and its control in the user's checkout, and in one of ours what a proof rests on."""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Mapping, Sequence

from ...diagnostics.tracebacks import TEST_FILE
from ...errors import Code, Refusal
from ...git.paired_checkout import PairedCheckout
from ...iteration.gates import listed
from ...lab.context import GATE, PROOF, RepoContext
from ...measurement.meter import import_paths
from ...process.runner import CommandRun, CommandSpec
from ...process.screen import cure, screen
from ...process.shell import scripts
from ...text.redaction import redact_tail
from ..ledger.evidence import REPRODUCED, disproved, mended, pending, shown
from ..ledger.items import Cited, Proof, split_location
from ..ledger.pages import one_line
from ..ledger.state import Ledger, Observed, Ran
from .experiments import scratch
from .left_alone import edited, left_as_it_was
from .runner import observed
from .stand_ins import answering, emptied, ending, raising

TIMEOUT_S = 120.0
TAIL_CHARACTERS = 1500

_READ_BY = {
    "pytest": ("pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg"),
    "make": ("GNUmakefile", "makefile", "Makefile"),
    "npm": ("package.json",),
    "just": ("justfile",),
}
"""Files that say what a program runs although no command names them."""
MOST_TESTS = 300
CANCELLED = "The call was cancelled. Make it again to go on."
NOBODY = "not run: nobody agreed to it. A person can, with `autoresearch-mcp approve` in a terminal."


def prove(
    context: RepoContext,
    proof: Proof,
    cited: Cited | None = None,
    known: Ran | None = None,
    *,
    mends: str = "",
    clean: bool = False,
    uncommitted: bool = False,
    anew: bool = False,
) -> Ran:
    """Run a proof's command and its control, if a person agreed to both; say that nobody did otherwise. `anew` joins no run
    that an earlier call left. Files that the commands name count as they were when the proof showed its fault, and `clean` runs
    it in a checkout of ours, of what git has.

    What it shows has to be so in a checkout of ours as well, of what git has, unless what is `uncommitted` is to count. Where that is a fault in the code that is `cited`, the
    command runs there once more without that code: what fails in the same words does not rest on it. `known` is a run in which that was seen already. Where it passes, and so the
    file that it `mends` is all right, it has to fail once that file's end does.

    Raises:
        Refusal: if a command is one that is never run, or left the checkout changed.
    """
    control = Ran(command=proof.control) if proof.control else None
    agreed = [_agreed(context, command) for command in proof.commands]  # each is asked for, not only the first
    unseen = Ran(
        command=proof.command,
        fails_with=proof.fails_with,
        control=control,
        files=proof.files,
        commit=proof.commit,
        why=NOBODY,
    )
    if not all(agreed):
        return unseen
    now = _ids(context, [path for path, _ in proof.files])
    then = {path: _content(context, id) for path, id in proof.files if id != now[path]}
    outside = [path for path in then if path.startswith("/")]  # nothing of ours can stand there in its place
    if lost := [path for path, id in proof.files if id and path in then and (path in outside or then[path] is None)]:
        why = f"not run: {', '.join(lost)} is not what showed the fault. Put it back as it was then."
        return unseen.model_copy(update={"why": why})
    if then or clean:
        own = {path: _here(context, path) for path in now if clean and now[path] and path not in then}
        ours = {path: text for path, text in {**own, **then}.items() if not path.startswith("/")}
        found = elsewhere(context, ours, proof, anew=anew, clean=clean)
    else:
        with left_as_it_was(context, proof, cited.path if cited else mends):
            found = [reproduce(context, one, fails_with=proof.fails_with, anew=anew) for one in proof.commands]
    if context.runs.cancelled:
        raise Refusal(Code.INCOMPLETE, CANCELLED)
    seen, *others = found
    seen = seen.model_copy(
        update={
            "control": next(iter(others), None),
            "files": proof.files,
            "commit": proof.commit,
            "put_back": tuple(then),
        }
    )
    if not (then or clean or known or uncommitted) and (nowhere_else := _only_here(context, seen)):
        return seen.model_copy(update={"says_nothing": nowhere_else})
    if mends and mended(seen):
        return seen.model_copy(update={"says_nothing": _idle(context, proof, mends, then)})
    if not (cited and shown(seen)):
        return seen
    files = tuple(_ids(context, _named(context, proof, cited.path)).items())
    name, text = without(context, cited)
    if known and known.emptied == name:
        ended, alone = known.without, known.says_nothing
    else:
        ended = elsewhere(context, {cited.path: text}, proof)[0]
        alone = "" if ended.failed and ended.named else _by_itself(context, proof, cited, name)
    now_seen = {"files": files, "commit": context.repo.head(), "emptied": name, "without": ended, "says_nothing": alone}
    return seen.model_copy(update=now_seen)


def _only_here(context: RepoContext, seen: Ran) -> str:
    """Return why a run says nothing of what git has: in a checkout of ours, of HEAD, it ends otherwise. What was built here alone
    cannot be told there.
    """
    changed = edited(context)
    if not (shown(seen) or (changed and (mended(seen) or disproved(seen)))):
        return ""
    ended = elsewhere(context, {}, Proof(command=seen.command, fails_with=seen.fails_with))[0]
    if ended.exit_code in {None, 126, 127} or (ended.failed, ended.named) == (seen.failed, seen.named):
        return ""
    where = f"with {listed(sorted(changed))} as git has it" if changed else "in another checkout of the same commit"
    return f"{where} it ends otherwise. Show what is committed, wherever it lies"


def _by_itself(context: RepoContext, proof: Proof, cited: Cited, name: str) -> str:
    """Return why a proof that showed a fault says nothing of the function cited: whatever that answers, the command fails, and
    the control passes; or it ends otherwise as soon as anything is written there.
    """
    text, (_, line, _) = _text(context, cited.path), split_location(cited.location)
    made = answering(cited.path, text, cited.quote, line)
    if not made:
        return ""
    command, *controls = elsewhere(context, {cited.path: made[0]}, proof)
    as_it_was = elsewhere(context, {cited.path: made[1]}, proof.model_copy(update={"control": ""}))[0]
    if not (as_it_was.failed and as_it_was.named):
        return f"with a statement more in {name} that does nothing it ends otherwise: it looks at the text, not at what it does"
    if not (command.failed and command.named and all(one.passed for one in controls)):
        return ""
    cure = "Cite the code that does it, or take a control that this code decides: of a check, what it does refuse"
    return f"whatever {name} answers it fails in the same words, and the control passes: it fails by itself. {cure}"


def _idle(context: RepoContext, proof: Proof, path: str, then: Mapping[str, bytes | None]) -> str:
    """Return why a proof that passes says nothing of a file: it passes as well at the commit at which it failed, or where that
    file cannot be loaded to its end, or where each Python test that it names raises.
    """
    before = elsewhere(context, then, proof, at=proof.commit)[0] if proof.commit else None
    if before and before.exit_code is not None and not (before.failed and before.named):
        return f"it does not fail any more at {proof.commit[:7]}, where it showed the fault: not the code has changed"
    there = context.repo.content(context.repo.head(), path)
    end = ending(path, there.decode("utf-8", "replace")) if there else None
    if end and elsewhere(context, {**then, path: end}, proof)[0].passed:
        return f"it passes as well where {path} fails at its end, so it never gets there"
    tests = [one for one, id in proof.files if id and one[:1] != "/" and TEST_FILE.search(one)]
    made = {one: raising(one, (then.get(one) or _here(context, one)).decode("utf-8", "replace")) for one in tests}
    failing = {one: text for one, (text, names) in made.items() if names}
    passed = failing and elsewhere(context, {**then, **failing}, proof)[0].passed
    return "it passes as well where every test raises, so something lets it pass" if passed else ""


def _text(context: RepoContext, path: str) -> str:
    return (context.repo.content(context.repo.head(), path) or b"").decode("utf-8", "replace")


def without(context: RepoContext, cited: Cited) -> tuple[str, bytes]:
    """Return a file at HEAD without what is cited in it, with the name of what is gone."""
    return emptied(cited.path, _text(context, cited.path), cited.quote, split_location(cited.location)[1])


def _named(context: RepoContext, proof: Proof, cited: str) -> tuple[str, ...]:
    """Return the project's own files that the commands of a proof name, as a path, a test in it or a module, and those that say
    what they run; not the one cited.
    """
    root, found, folders = context.repo.root, dict[str, None](), [""]
    parts = [part for command in proof.commands for script in scripts(command) for part in script if part.words]
    words = {
        posixpath.basename(word) if place == 0 else word for part in parts for place, word in enumerate(part.words)
    }
    for part in parts:
        folders += part.words[1:2] if part.name == "cd" else []
        for word in (word.partition("::")[0] for word in part.words if not re.search(r"\s", word)):
            module = word.replace(".", "/")
            for name in (word, f"{module}.py", f"{module}/__main__.py"):
                found |= {posixpath.normpath(posixpath.join(folder, name)): None for folder in folders}
    paths = [posixpath.relpath(path, root) if path.startswith("/") else path for path in found]
    there = [path for path in paths if not path.startswith("../") and (root / path).is_file()]
    if not there and not any(re.search(r"\s", word) for word in words):  # it runs all tests that there are
        there = [path for path in context.repo.tracked() if TEST_FILE.search(path)][:MOST_TESTS]
    if "pytest" in words:
        steps = [path.split("/")[:-1] for path in there]
        above = {"/".join([*names[:depth], "conftest.py"]) for names in steps for depth in range(len(names) + 1)}
        there += sorted(above)
    there += [file for program, files in _READ_BY.items() if program in words for file in files]
    return (*_own(context, [path for path in dict.fromkeys(there) if path != cited]), *scratch(context, parts))


def _own(context: RepoContext, paths: Sequence[str]) -> tuple[str, ...]:
    """Return the paths that are the project's own: an interpreter of its environment is none, which git ignores or a link leads to."""
    root = context.repo.root.resolve()
    ignored = set(context.repo.git.ask("check-ignore", "--", *paths).text.splitlines()) if paths else set()
    return tuple(path for path in paths if path not in ignored and (root / path).resolve().is_relative_to(root))


def _ids(context: RepoContext, paths: Sequence[str]) -> dict[str, str]:
    """Return git's ids of what stands in files now; empty where there is none."""
    there = [path for path in paths if (context.repo.root / path).is_file()]
    ids = context.repo.git.line("hash-object", "--", *there).splitlines() if there else []
    return dict.fromkeys(paths, "") | dict(zip(there, ids, strict=True))


def _here(context: RepoContext, path: str) -> bytes:
    return (context.repo.root / path).read_bytes()


def _content(context: RepoContext, id: str) -> bytes | None:
    """Return what git keeps under an id; None where it does not."""
    answer = context.repo.git.ask("cat-file", "blob", id)
    return answer.out if answer.code == 0 else None


def _agreed(context: RepoContext, command: str) -> bool:
    if reason := screen(command).refused:
        raise Refusal(Code.BAD_ARGUMENT, f"`{command}` is not run here: {reason}. {cure(reason)}")
    if not (agreed := context.consent.agreed_to(command)):
        context.consent.want(command)
    return agreed


def run_agreed(context: RepoContext, command: str, timeout_s: float) -> CommandRun | None:
    """Run a command at the top of the checkout, also one that an earlier call has run; None where no person agreed to it.

    Raises:
        Refusal: if the command is one that is never run.
    """
    if not _agreed(context, command):
        return None
    key = context.runs.key(f"run {command} at {context.now()}")
    return context.runs.run(key, CommandSpec(command, context.repo.root, timeout_s))


def reproduce(
    context: RepoContext, command: str, timeout_s: float = TIMEOUT_S, fails_with: str = "", *, anew: bool = False
) -> Ran:
    """Run a command at the top of the checkout if a person agreed to it; say that nobody did otherwise.

    Raises:
        Refusal: if the command is one that is never run.
    """
    if not _agreed(context, command):
        return Ran(command=command, why=NOBODY)
    key = context.runs.key(f"reproduce {command}{f' at {context.now()}' if anew else ''}")
    return _ran(context, key, CommandSpec(command, context.repo.root, timeout_s), command, fails_with)


def _ran(context: RepoContext, key: str, spec: CommandSpec, command: str, fails_with: str) -> Ran:
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


def elsewhere(
    context: RepoContext,
    files: Mapping[str, bytes | None],
    proof: Proof,
    *,
    at: str = "",
    anew: bool = False,
    clean: bool = False,
) -> list[Ran]:
    """Run a proof's commands, that a person agreed to, in a checkout of ours: at HEAD, or `at` another commit, but with these contents of some files,
    and without those that have none. Files that git neither has nor ignores come along unless it is to be `clean`.
    """
    root, place = context.repo.root, PairedCheckout(context.repo, GATE if anew else PROOF, pristine=True)
    which = {path: hashlib.sha256(text or b"").hexdigest()[:12] for path, text in sorted(files.items())}
    try:
        folder = place.check_out(at or context.repo.head(), () if clean else context.untracked)
        for path, content in files.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            if not file.resolve().is_relative_to(folder.resolve()):
                raise Refusal(Code.GIT, f"{path} leads out of the checkout.")
            file.unlink(missing_ok=True)
            if content is not None:
                file.write_bytes(content)
        return [
            _ran(
                context,
                context.runs.key(
                    f"elsewhere {which} {at} {command}{f' at {context.now()}' if anew else ''}{' clean' if clean else ''}"
                ),
                CommandSpec(command.replace(str(root), str(folder)), folder, TIMEOUT_S, import_paths(root, folder)),
                command,
                proof.fails_with,
            )
            for command in proof.commands
        ]
    except Refusal as refusal:
        return [Ran(command=command, fails_with=proof.fails_with, why=refusal.message) for command in proof.commands]
    finally:
        place.remove()


def run_pending(context: RepoContext, ledger: Ledger) -> list[Observed]:
    """Run the commands of items that nobody had agreed to when these were recorded."""
    agreed = context.consent.agreed_to
    seen = {
        id: prove(context, proof, _cited_in(ledger, id))
        for id, proof in pending(ledger)
        if all(map(agreed, proof.commands))
    }
    facts = {id: ran.model_dump(mode="json", exclude_defaults=True) for id, ran in seen.items()}
    return [observed(context, REPRODUCED, **facts)] if facts else []


def _cited_in(ledger: Ledger, id: str) -> Cited | None:
    entry = ledger.find(id)
    return entry.item if entry and isinstance(entry.item, Cited) else None
