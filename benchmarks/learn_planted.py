"""How many errors planted into the documents of public projects `learn` finds: `python benchmarks/learn_planted.py [FOLDER]`.

Each error of `learn_planted.toml` stands alone in an otherwise untouched checkout; it is found where the look at the documents has
a problem in that file that it did not have before. Printed for each project: the errors that were missed, what is wrong in the
untouched documents (for a person to judge), and both counts. FOLDER holds clones by their name; what is missing there is cloned.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import gettempdir

from autoresearch_mcp.tools.project.scan import is_installed, read_texts
from autoresearch_mcp.tools.workflows.learn.checks.claim import Claim
from autoresearch_mcp.tools.workflows.learn.codemap import CodeMap
from autoresearch_mcp.tools.workflows.learn.documents import is_checked
from autoresearch_mcp.tools.workflows.learn.repository import Repository
from autoresearch_mcp.tools.workflows.learn.validation import read_documents

Problems = Mapping[tuple[str, str, str], Claim]


def git(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, check=False)


def problems(root: Path, texts: Mapping[str, str], files: frozenset[str], *, complete: bool) -> Problems:
    """Return what is wrong, without its lines, so that what moved down is no other problem."""
    ignored = cache(lambda path: git(root, "check-ignore", "-q", "--no-index", "--", path).returncode == 0)
    repository = Repository(CodeMap(texts, complete), files, ignored=ignored, installed=is_installed)
    documents = {path: text for path, text in texts.items() if is_checked(path)}
    found = read_documents(documents, repository, {})
    return {(path, one.text, one.why): one for path, read in found.items() for one in read.claims if one.wrong}


def tried(root: Path, project: Mapping[str, object]) -> None:
    """Plant the errors of a project one by one, and print what becomes of them."""
    if not root.exists():
        subprocess.run(["git", "clone", "--quiet", str(project["url"]), str(root)], check=True)
    git(root, "checkout", "--quiet", str(project["commit"]))
    files = frozenset(git(root, "ls-files", "-z").stdout.split("\0")) - {""}
    texts, complete = read_texts(root, tuple(sorted(files)))
    before = problems(root, texts, files, complete=complete)
    errors = project["errors"]
    assert isinstance(errors, list)
    missed = []
    for kind, path, old, new in errors:
        assert old in texts[path], (path, old)
        planted = {**texts, path: texts[path].replace(old, new, 1)}
        if not any(key not in before for key in problems(root, planted, files, complete=complete) if key[0] == path):
            missed.append(f"  missed: {kind}: {path}: {new!r}")
    print(
        f"{root.name}: {len(errors) - len(missed)} of {len(errors)} found, {len(before)} wrong in the untouched documents"
    )
    print(
        *missed,
        *(f"  untouched: {path}:{one.line} {one.text!r}: {one.why}" for (path, _, _), one in before.items()),
        sep="\n",
    )


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else gettempdir()).resolve()
    data = tomllib.loads(Path(__file__).with_suffix(".toml").read_text())
    for project in data["project"]:
        tried(folder / project["url"].rpartition("/")[2], project)


if __name__ == "__main__":
    main()
