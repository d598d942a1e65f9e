"""The official conformance suite against the production server, with its figures in one table.

    python tests/conformance/suite.py          # or: make conformance

Needs node 22 or later and npm, which installs the suite beside the Python that runs this. Exit status: 0
every scored scenario passed; 1 one failed; 3 skipped, with the reason: no node, or no suite to be had.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from npm import npm_folder

SUITE = "@modelcontextprotocol/conformance@0.2.0-alpha.12"
NODE = "node@24"
REVISIONS = ("2025-11-25", "2026-07-28")
OLDEST_NODE = 22
SKIPPED = 3


@dataclass(frozen=True)
class Figures:
    """What one revision of the protocol came to."""

    revision: str
    scenarios: int
    failed: tuple[str, ...]
    checks: int

    def __str__(self) -> str:
        passed = self.scenarios - len(self.failed)
        return f"{self.revision}: {passed}/{self.scenarios} scored scenarios, {self.checks} checks passed" + (
            f"; failed: {', '.join(self.failed)}" if self.failed else ""
        )


def main() -> int:
    """Run both revisions; returns the exit status."""
    node = suite_node()
    if node is None:
        print(f"skipped: no node {OLDEST_NODE} or later, and npm gave none")
        return SKIPPED
    figures = measured(node)
    print("\n".join(map(str, figures)))
    return int(any(one.failed for one in figures))


def measured(node: str, revisions: Sequence[str] = REVISIONS) -> list[Figures]:
    """The figures of each revision."""
    with _served() as port:
        return [_run(node, port, revision) for revision in revisions]


def suite_node() -> str | None:
    """A node that is recent enough, with the suite beside it."""
    own = shutil.which("node")
    packages = (SUITE,) if own and _major(own) >= OLDEST_NODE else (SUITE, NODE)
    folder = npm_folder(*packages)
    installed = folder / ".bin" / "node" if folder else None
    found = str(installed) if installed and installed.exists() else own
    return found if folder and found and _major(found) >= OLDEST_NODE else None


def script(node: str) -> Path:
    """The suite's own program."""
    folder = npm_folder(SUITE) if Path(node) == Path(shutil.which("node") or "") else npm_folder(SUITE, NODE)
    assert folder is not None, "found before"
    return folder / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"


def _major(node: str) -> int:
    done = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    found = re.match(r"v(\d+)", done.stdout)
    return int(found[1]) if found else 0


@contextmanager
def _served() -> Iterator[int]:
    """The server, as long as it is needed; gives its port."""
    process = subprocess.Popen(
        [sys.executable, str(HERE / "serve.py")], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout
    try:
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(timeout=30)
        process.stdout.close()


def _run(node: str, port: int, revision: str) -> Figures:
    """One revision. What fails is run once more by itself: some scenarios wait only half a second, too little on a busy machine."""
    figures = read_figures(revision, _said(node, port, "--requirements", revision))
    again = tuple(name for name in figures.failed if not _passes(node, port, revision, name))
    return replace(figures, failed=again)


def _passes(node: str, port: int, revision: str, scenario: str) -> bool:
    text = _said(node, port, "--scenario", scenario, "--spec-version", revision)
    counts = re.search(r"Passed: (\d+)/(\d+), (\d+) failed", text)
    return counts is not None and counts[1] != "0" and counts[3] == "0"


def _said(node: str, port: int, *options: str) -> str:
    command = [node, str(script(node)), "server", "--url", f"http://127.0.0.1:{port}/mcp", *options]
    results, plain = ["--output-dir", str(Path(sys.prefix) / "npm" / "results")], {**os.environ, "NO_COLOR": "1"}
    return subprocess.run(
        [*command, *results], capture_output=True, text=True, check=False, timeout=600, env=plain
    ).stdout


def read_figures(revision: str, text: str) -> Figures:
    """What the suite printed, as figures.

    Raises:
        ValueError: if it printed no summary: then nothing was tested.
    """
    summary = text.partition("=== SUMMARY ===")[2]
    rows = re.findall(r"^([✓✗]) ([\w-]+): (\d+) passed, (\d+) failed$", summary, re.MULTILINE)
    if not rows:
        raise ValueError(f"no summary for {revision}: {text[-500:]}")
    unscored = set(re.findall(r"^  [✓✗] ([\w-]+) \(", summary, re.MULTILINE))
    scored = [row for row in rows if row[1] not in unscored]
    failed = tuple(name for _, name, _, bad in scored if int(bad))
    return Figures(revision, len(scored), failed, sum(int(good) for _, _, good, _ in scored))


if __name__ == "__main__":
    sys.exit(main())
