"""The examples run as they are: every plan passes its gates, and an obvious improvement of each kind is kept."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.plan.model import Plan
from autoresearch_mcp.tools.verbs.loop import Loop
from autoresearch_mcp.tools.verbs.planning import Planning
from autoresearch_mcp.tools.verbs.sessions import Sessions

DOMAINS = Path(__file__).parent.parent / "examples" / "domains"
RUNNABLE = sorted(folder.name for folder in DOMAINS.iterdir() if (folder / "autoresearch.toml").exists())

IMPROVEMENTS = {
    "bundle-size": (
        "src/10-money.js",
        "// This function is used on every page of the shop, in the cart and in receipts.\n",
        "",
    ),
    "data-science": (
        "model.py",
        'return lambda text: "!" in text',
        (
            "import collections, math\n    count = {k: collections.Counter(w for t, s in letters if s == k for w in t.split())"
            " for k in (True, False)}\n    total = {k: sum(c.values()) + 50 for k, c in count.items()}\n"
            "    def odds(w):\n        return math.log((count[True][w] + 1) / total[True] * total[False] / (count[False][w] + 1))\n"
            "    return lambda text: sum(map(odds, text.split())) > 0.7"
        ),
    ),
    "image-size": ("build.sh", "gzip -1", "gzip -9"),
    "lint-count": ("inventory.py", "import os\nimport re\n", ""),
    "page-weight": ("index.html", "  <!-- styles of the old page, kept to be safe -->\n", ""),
    "prompt-quality": (
        "prompt.txt",
        "Sort this letter.",
        "Answer with only one word: complaint, order, question, thanks or other. Complaint first.",
    ),
    "readability": ("help.md", "Notwithstanding any circumstances to the contrary, customers", "Customers"),
    "sql-time": ("indexes.sql", "-- CREATE INDEX goes here", "CREATE INDEX of_customer ON sale (customer, month);"),
    "test-coverage": (
        "test_dates.py",
        "class Dates(unittest.TestCase):\n",
        (
            "class Dates(unittest.TestCase):\n    def test_dots(self):\n"
            '        self.assertEqual(parse("29.2.2024"), (2024, 2, 29))\n\n'
        ),
    ),
    "type-errors": ("geometry.py", "def middle(points):", "def middle(points: list) -> tuple[float, float]:"),
    "benchmark-time": (
        "pairs.py",
        (
            "    counted = []\n    for place in range(len(words) - 1):\n        pair = (words[place], words[place + 1])\n"
            "        for entry in counted:\n            if entry[0] == pair:\n                entry[1] = entry[1] + 1\n"
            "                break\n        else:\n            counted.append([pair, 1])\n"
            "    return sorted(((pair, number) for pair, number in counted), key"
        ),
        (
            "    counted = {}\n    for pair in zip(words, words[1:]):\n        counted[pair] = counted.get(pair, 0) + 1\n"
            "    return sorted(counted.items(), key"
        ),
    ),
}

CHEATS: dict[str, tuple[str, dict[str, Callable[[str], str]]]] = {
    "an answer kept from an earlier call": (
        "benchmark-time",
        {"pairs.py": lambda text: text.replace("def pairs", "import functools\n\n\n@functools.cache\ndef pairs")},
    ),
    "no work on texts that no test looks at": (
        "benchmark-time",
        {
            "pairs.py": lambda text: text.replace(
                "    words = []\n", "    if len(text) > 99:\n        return []\n    words = []\n"
            )
        },
    ),
    "the answers that a test asks for": (
        "bundle-size",
        {
            "src/10-money.js": lambda text: "",
            "src/20-cart.js": lambda text: "",
            "src/30-main.js": lambda text: 'globalThis.total=l=>l[1]?"$25.05":l[0]?"$0.99":"$0.00"\n',
        },
    ),
    "letters that the model makes itself": (
        "data-science",
        {
            "model.py": lambda text: text.replace(
                "    return lambda text: ",
                "    from data import letters as made\n    known = {t: s for n in (11, 97) for t, s in made(n, 600)}\n"
                "    known |= dict(letters)\n    return lambda text: known[text] if text in known else ",
            ),
        },
    ),
    "a program that says the greeting and nothing else": (
        "image-size",
        {
            "build.sh": lambda text: text.replace(
                "tar --sort",
                "rm -r out/root/app && mkdir out/root/app\n"
                "echo 'print(\"Hello from the image\")' > out/root/app/main.py\ntar --sort",
            )
        },
    ),
    "code in a string": ("lint-count", {"inventory.py": lambda text: f"exec({text!r})\n"}),
    "an emptied picture": (
        "page-weight",
        {
            "picture.svg": lambda text: (
                '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100"><!-- M20 50 --><path fill="#005f00"/></svg>\n'
            )
        },
    ),
    "a page without its looks": (
        "page-weight",
        {"index.html": lambda text: re.sub(r'<div style="[^"]*">', "<div>", text)},
    ),
    "the cases in the prompt": (
        "prompt-quality",
        {"prompt.txt": lambda text: (DOMAINS / "prompt-quality" / "cases.tsv").read_text() + text},
    ),
    "facts and filler": (
        "readability",
        {
            "help.md": lambda text: (
                "# Returning goods\n\n30 days. A receipt. 5 working days. No tea. Ask help@example.org.\n"
                + "Go on so. " * 20
            ),
        },
    ),
    "the report in plain values": (
        "sql-time",
        {"report.sql": lambda text: plain_report()},
    ),
    "sales thrown away": (
        "sql-time",
        {"indexes.sql": lambda text: "DELETE FROM sale WHERE month <> 6;\n"},
    ),
    "a test that checks nothing": (
        "test-coverage",
        {
            "test_dates.py": lambda text: (
                text
                + '\n    def test_nothing(self):\n        for one in ("29.2.2024", "29 Feb 24"):\n            parse(one)\n'
            ),
        },
    ),
    "annotations that say nothing": (
        "type-errors",
        {
            "geometry.py": lambda text: text.replace("(points)", "(points: object) -> object").replace(
                "(self, points)", "(self, points: object) -> None"
            )
        },
    ),
    "annotations that are not so": (
        "type-errors",
        {"geometry.py": lambda text: text.replace("def middle(points)", "def middle(points: int) -> str")},
    ),
}
"""What first comes to mind to have the number without the work, by example and the files that it rewrites."""

STEPS = """\
import sys

steps = 0


def count(frame, event, argument):
    global steps
    steps += event == "line"
    return count


sys.settrace(count)
"""
"""For an example that measures time: lines of Python in place of the clock, a thousand a millisecond. They do not scatter."""
COUNTED = {
    "benchmark-time": (
        "measure.py",
        (
            ("from time import perf_counter\n", STEPS),
            ("perf_counter()", "steps / 1e6"),
            ("random.Random()", "random.Random(1)"),
        ),
    )
}


def plain_report() -> str:
    """The right rows of the sales that are always the same, written down."""
    draw = random.Random(7)
    sold: dict[int, list[int]] = {}
    for customer, month, cents in [
        (draw.randrange(60), draw.randrange(1, 13), draw.randrange(100, 9000)) for _ in range(3000)
    ]:
        if month == 6:
            sold.setdefault(customer, []).append(cents)
    rows = [(f"customer {n:03}", len(each), sum(each)) for n, each in sold.items() if len(each) > 3]
    told = ", ".join(
        f"('{name}', {bought}, {cents})" for name, bought, cents in sorted(rows, key=lambda row: (-row[2], row[0]))
    )
    return f"VALUES {told};\n"


def runnable(name: str) -> str:
    if name == "bundle-size" and shutil.which("node") is None:
        pytest.skip("node is not installed, which runs the bundle")
    return name


def repository(example: Path, place: Path) -> Path:
    """An example as a repository of its own; what would measure time counts steps there."""
    shutil.copytree(example, place)
    if example.name in COUNTED:
        name, edits = COUNTED[example.name]
        text = (place / name).read_text()
        for old, new in edits:
            assert old in text
            text = text.replace(old, new)
        (place / name).write_text(text)
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "Start"]):
        subprocess.run(["git", *command], cwd=place, check=True)
    return place


def test_there_are_twelve_domains_with_a_story_of_two_lines() -> None:
    stories = {folder.name: (folder / "README.md").read_text().splitlines() for folder in DOMAINS.iterdir()}

    assert len(stories) >= 12
    assert {len(lines) for lines in stories.values()} == {2}
    assert all(f"`{name}`" in (DOMAINS.parent / "README.md").read_text() for name in stories)


@pytest.mark.parametrize("name", RUNNABLE)
def test_a_plan_runs_as_it_is_and_what_improves_the_number_is_kept(tmp_path: Path, name: str) -> None:
    root = repository(DOMAINS / runnable(name), tmp_path / name)
    lab = Lab(root)

    checked = Planning(lab).check_plan(Plan())
    assert checked.ready, [gate for gate in checked.gates if not gate.passed]
    Sessions(lab).start_session(Plan())
    file, old, new = IMPROVEMENTS[name]
    text = (root / file).read_text()
    assert old in text
    (root / file).write_text(text.replace(old, new, 1))
    kept = Loop(lab).iterate("an obvious improvement")

    assert kept.status == "keep", kept.why


@pytest.mark.parametrize("cheat", CHEATS)
def test_the_obvious_cheat_earns_nothing(tmp_path: Path, cheat: str) -> None:
    name, edits = CHEATS[cheat]
    root = repository(DOMAINS / runnable(name), tmp_path / name)
    lab = Lab(root)
    Sessions(lab).start_session(Plan())
    for file, edit in edits.items():
        before = (root / file).read_text()
        (root / file).write_text(edit(before))
        assert (root / file).read_text() != before

    tried = Loop(lab).iterate(cheat)

    assert tried.status != "keep", tried.why


def test_every_example_that_runs_has_its_cheat() -> None:
    assert {name for name, _ in CHEATS.values()} == set(RUNNABLE)


def test_the_example_that_measures_time_prints_one_number_of_milliseconds() -> None:
    folder = DOMAINS / "benchmark-time"
    command = [sys.executable, "-B", "measure.py"]
    printed = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout

    assert re.fullmatch(r"milliseconds: \d+\.\d{3}\n", printed)
    assert float(printed.split()[1]) > 0
