"""The tests of the base on the code of the candidate: two tests that bear one name may ask for different things."""

from __future__ import annotations

from ...diagnostics.tracebacks import TEST_FILE
from ...git.trees import planted
from ...lab.context import RepoContext
from .readings import OLD_TESTS, ComparisonJob


def with_old_tests(context: RepoContext, base: str, head: str) -> tuple[str, tuple[str, ...]]:
    """Return a commit of the candidate's code in which every test file of the base stands as it did there, and which of them do not
    stand so in the candidate; nothing where all do.
    """
    entries = [one for one in context.repo.entries(base, head) if TEST_FILE.search(one.path) and not one.added]
    if not entries:
        return "", ()
    files = {one.path: (one.old_mode.encode(), one.old_id.encode()) for one in entries}
    tree = planted(context.repo.git, head, files)
    made = context.repo.commit_tree(tree, head, "autoresearch: this code, the tests of the base")
    return made, tuple(files)


def old_job(job: ComparisonJob) -> ComparisonJob:
    """Return a command once more, for the tests of the base on the candidate's code."""
    return job.model_copy(update={"id": f"{job.id}{OLD_TESTS}", "old_tests": True})
