"""A session as one file that a stranger can check, offline: its journal, its branch and a signature."""

from __future__ import annotations

import hashlib
import json
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

from pydantic import BaseModel, ValidationError

from ..decision.judging import Arm
from ..errors import Code, Refusal
from ..git.bundles import repository_from, write_bundle
from ..iteration.in_turn import MOST_SECONDS, gain_of, pairs_in, run_in_turn
from ..iteration.keeps import attempts_of, keep_of, standing
from ..lab.access import Lab
from ..lab.answers import Answer
from ..lab.context import RepoContext
from ..report.writing import integrity
from ..session.events import Logged
from ..session.fold import advance
from ..session.journal import Journal
from ..session.results import delta_of, metric_of
from ..session.state import Session
from ..session.telling import gain_words, headline_words
from ..storage.signing import fingerprints_of, own_key, sign, signer_of
from ..vocabulary import Phase
from .base import RepoPath, Verbs

_CLAIM, _SIGNATURE, _JOURNAL, _BRANCH = "claim.json", "claim.json.sig", "journal.jsonl", "repository.bundle"
_UNCHECKABLE = (
    "that these runs took place, and printed these numbers: --replay N runs one keep again here",
    "the times, and that nothing was tried outside of this journal",
    "files that git does not have and a run may have read",
)


class SignedClaim(BaseModel):
    """What the signer says. `files` are the SHA-256 of all else in the file; `head` is where the session left its branch."""

    format: int = 1
    version: str
    session: str
    branch: str
    head: str
    goal: str
    metric: str
    headline: str
    records: int
    files: dict[str, str]


class ClaimMade(Answer):
    """The file, and who can be told to have signed it."""

    file: str = ""
    headline: str = ""
    signer: str = ""

    def lines(self) -> list[str]:
        return [
            f"{self.file}: {self.headline}.",
            f"Signed by {self.signer}. It holds this repository's journal and the history of the branch: look before you share it.",
            f"To check it: autoresearch-mcp verify-claim {self.file}",
        ]


class ClaimCheck(BaseModel):
    """One thing that was looked at."""

    holds: bool
    words: str


class ClaimChecked(Answer):
    """What holds of a claim, and what no file can show."""

    goal: str = ""
    headline: str = ""
    checks: list[ClaimCheck] = []
    replay: str = ""
    unchecked: list[str] = []

    @property
    def holds(self) -> bool:
        """Whether nothing was found against it."""
        return all(check.holds for check in self.checks)

    def lines(self) -> list[str]:
        told = [f"{'holds' if check.holds else 'DOES NOT HOLD'}: {check.words}" for check in self.checks]
        cannot = [f"cannot be checked: {words}" for words in self.unchecked]
        head = f"The claim: {self.goal}: {self.headline}."
        return [head, *told, *([f"replayed: {self.replay}"] if self.replay else []), *cannot]


class Claims(Verbs):
    """Sessions that leave the machine."""

    def make(self, file: Path, key: Path | None = None, repo: RepoPath = "") -> ClaimMade:
        """Write the newest session on this branch as a claim, signed by a key, by default this account's own.

        Raises:
            Refusal: without a session, in the middle of an iteration, if the file exists, or the key cannot sign.
        """
        context = self._lab.for_reading(repo)
        session = context.session
        if session is None:
            raise Refusal(Code.NO_SESSION, "There is no session on this branch.")
        if session.trial is not None:
            raise Refusal(Code.OUT_OF_ORDER, "An iteration is open. Decide it first.")
        key = key or own_key()
        with tempfile.TemporaryDirectory(prefix="autoresearch-") as place:
            folder = Path(place)
            records = context.journal.records()
            (folder / _JOURNAL).write_text("".join(f"{json.dumps(record)}\n" for record in records), encoding="utf-8")
            write_bundle(context.repo, session.start.branch, folder / _BRANCH)
            claim = _claim(session, len(records), {name: _digest(folder / name) for name in (_JOURNAL, _BRANCH)})
            (folder / _CLAIM).write_text(claim.model_dump_json(indent=1), encoding="utf-8")
            signature = sign((folder / _CLAIM).read_bytes(), key)
            (folder / _SIGNATURE).write_bytes(signature)
            try:
                with tarfile.open(file, "x") as tar:
                    for name in (_CLAIM, _SIGNATURE, _JOURNAL, _BRANCH):
                        tar.add(folder / name, name)
            except FileExistsError:
                raise Refusal(Code.BAD_ARGUMENT, f"{file} exists. Name a new file.") from None
            signer = signer_of((folder / _CLAIM).read_bytes(), signature)
        about = {"phase": context.phase, "next": context.following()}
        return ClaimMade(**about, file=str(file), headline=claim.headline, signer=signer)


def _claim(session: Session, records: int, files: dict[str, str]) -> SignedClaim:
    return SignedClaim(
        version=version("autoresearch-mcp"),
        session=session.id,
        branch=session.start.branch,
        head=session.head,
        goal=session.plan.goal,
        metric=session.plan.metric,
        headline=headline_words(session),
        records=records,
        files=files,
    )


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def verify_claim(file: Path, signers: Path | None, replay: int, agreed: Callable[[str], bool]) -> ClaimChecked:
    """Check a claim in a folder of its own, which goes afterwards. Nothing of it runs, but with `replay` the verify command on
    that keep and on what it was kept over, in turn, once somebody `agreed` to the command.

    Raises:
        Refusal: if it is no claim, or that keep cannot be replayed.
    """
    with tempfile.TemporaryDirectory(prefix="autoresearch-claim-") as place:
        folder = Path(place)
        claim = _unpacked(file, folder)
        signer = signer_of((folder / _CLAIM).read_bytes(), (folder / _SIGNATURE).read_bytes())
        checks, replayed = list(_of_the_file(claim, signer, signers, folder)), ""
        try:
            context = _restored(claim, folder)
            checks += _of_the_session(claim, context)
        except Exception as problem:  # noqa: BLE001 - a stranger wrote the file: whatever it breaks, it does not hold
            checks.append(ClaimCheck(holds=False, words=f"journal and branch: {_found_wrong(problem)}"))
        else:
            if replay:
                replayed = _replayed(context, replay, agreed)
        whose = [] if signers else [f"whose key {signer or 'it'} is: --signer FILE holds it against public keys"]
        return ClaimChecked(
            phase=Phase.NO_SESSION,
            next=[],
            goal=claim.goal,
            headline=claim.headline,
            checks=checks,
            replay=replayed,
            unchecked=[*whose, *_UNCHECKABLE],
        )


def _unpacked(file: Path, folder: Path) -> SignedClaim:
    try:
        with tarfile.open(file, "r:") as tar:
            for name in (_CLAIM, _SIGNATURE, _JOURNAL, _BRANCH):
                member = tar.extractfile(name)
                if member is None:
                    raise KeyError(name)
                with (folder / name).open("wb") as out:
                    shutil.copyfileobj(member, out)
        return SignedClaim.model_validate_json((folder / _CLAIM).read_bytes())
    except OSError as problem:
        raise Refusal(Code.BAD_ARGUMENT, f"{file} cannot be read: {problem.strerror or problem}.") from None
    except (tarfile.TarError, KeyError, ValidationError):
        raise Refusal(Code.BAD_ARGUMENT, f"{file} is not a file that `autoresearch-mcp claim` wrote.") from None


def _of_the_file(claim: SignedClaim, signer: str, signers: Path | None, folder: Path) -> Iterator[ClaimCheck]:
    by = f"the signature, by {signer}" if signer else "the signature"
    yield ClaimCheck(holds=bool(signer), words=by)
    if signers:
        yield ClaimCheck(holds=signer in fingerprints_of(signers), words=f"that key is in {signers}")
    whole = claim.files == {name: _digest(folder / name) for name in (_JOURNAL, _BRANCH)}
    yield ClaimCheck(holds=whole, words="journal and branch are those that were signed")


def _found_wrong(problem: Exception) -> str:
    """Say what a claim fell over: without the cure, which is for a repository of one's own."""
    if not isinstance(problem, Refusal):
        return "their records do not have the form of a journal."
    return " ".join(problem.message.split()).partition(" Stop the server")[0]


def _restored(claim: SignedClaim, folder: Path) -> RepoContext:
    """Make the repository of a claim anew, with its journal."""
    root = folder / "repository"
    repository_from(folder / _BRANCH, root, claim.branch)
    with (folder / _JOURNAL).open(encoding="utf-8") as lines:
        Journal(root / ".git" / "autoresearch").restore(json.loads(line) for line in lines)
    context = Lab(root, allow_commands=True).for_reading()
    if context.session is None or context.session.id != claim.session:
        raise Refusal(Code.NO_SESSION, f"{claim.session} is not the newest session on {claim.branch}.")
    return context


def _of_the_session(claim: SignedClaim, context: RepoContext) -> Iterator[ClaimCheck]:
    session, journal = context.active, context.journal
    broken = journal.broken(thorough=True)
    chain = f"the chain of {claim.records} records, one by one"
    yield ClaimCheck(holds=not broken, words=f"{chain}: {broken}" if broken else chain)
    words = integrity(context)
    yield ClaimCheck(holds="BROKEN" not in words, words="the records that the commits on the branch name are in it")
    ours = headline_words(session)
    same = (ours, session.head) == (claim.headline, claim.head)
    yield ClaimCheck(holds=same, words=f"the headline, counted again from the journal: {ours}")
    other = [str(number) for number in _decided_otherwise(journal, session.id)]
    count = session.last_iteration
    yield ClaimCheck(
        holds=not other,
        words=f"{count} verdicts, decided again from their runs"
        + f"; not those of {', '.join(other[:8])}" * bool(other),
    )
    keeps = standing(context)
    trees = [attempts_of(context, keep.row.iteration)[-1] for keep in keeps]
    away = [str(event.iteration) for event in trees if context.repo.tree(event.commit) != event.tree]
    yield ClaimCheck(holds=not away, words=f"the code of {len(keeps)} keeps is the code that their receipts name")


def _decided_otherwise(journal: Journal, name: str) -> Iterator[int]:
    session: Session | None = None
    for place, event in journal.events(name, journal.start_of(name) - 1):
        if isinstance(event, Logged) and (
            session is None or session.verdict is None or session.verdict.status != event.row.status
        ):
            yield event.iteration
        session = advance(session, event, place.at, name)


def _replayed(context: RepoContext, number: int, agreed: Callable[[str], bool]) -> str:
    session, keep = context.active, keep_of(standing(context), number)
    if not agreed(session.plan.verify):
        raise Refusal(Code.CONSENT_NEEDED, "Nobody agreed to the command, so it was not run.")
    commits = {Arm.INCUMBENT: context.repo.commit(keep.old), Arm.CANDIDATE: keep.new}
    names = {Arm.INCUMBENT: f"the best before #{number}", Arm.CANDIDATE: f"the code of #{number}"}
    try:
        found = run_in_turn(context, commits, names, max(1, pairs_in(session, MOST_SECONDS)), number)
    finally:
        context.remove_checkouts()
    if found.problem:
        return f"#{number}: {found.problem}."
    here = gain_words(session, gain_of(session, found))
    then = f"metric {metric_of(keep.row)}, {delta_of(keep.row)} to the best before it"
    return (
        f"#{number} here, {len(found.candidate)} + {len(found.incumbent)} runs in turn: {here}; the journal has {then}."
    )
