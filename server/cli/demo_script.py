"""What the demo's scripted agent tries: edits as text to find and text to put in its place. No result stands here."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from ...tools.git.repo import create_repository
from ...tools.plan.model import PLAN_FILE
from ...tools.project.harness import require_empty


@dataclass(frozen=True)
class Edit:
    """One replacement in one file."""

    file: str
    old: str
    new: str

    def apply(self, folder: Path) -> None:
        """Make the edit; the old text has to be there exactly once."""
        path = folder / self.file
        text = path.read_text(encoding="utf-8")
        if text.count(self.old) != 1:
            raise ValueError(f"{self.old!r} is in {self.file} {text.count(self.old)} times")
        path.write_text(text.replace(self.old, self.new), encoding="utf-8")


@dataclass(frozen=True)
class ScriptedTry:
    """One idea of the scripted agent."""

    description: str
    hypothesis: str
    edits: tuple[Edit, ...]


_WORDS = '''\
"""The ten most frequent words of a text."""


def normal(word):
    letters = ""
    for letter in word:
        if letter.isalpha():
            letters = letters + letter.lower()
    return letters


def frequent(text, limit=10):
    words = []
    for word in text.split():
        name = normal(word)
        if name:
            words.append(name)
    seen = []
    for word in words:
        if word not in [name for name, _ in seen]:
            seen.append((word, words.count(word)))
    for i in range(len(seen)):
        for j in range(i + 1, len(seen)):
            if (-seen[j][1], seen[j][0]) < (-seen[i][1], seen[i][0]):
                seen[i], seen[j] = seen[j], seen[i]
    return seen[:limit]
'''

_MEASURE = '''\
"""The ruler: how many lines of words.py run for a fixed text. The same on every machine, so one run is enough."""

import sys
import this

import words

TEXT = "".join(this.d.get(letter, letter) for letter in this.s) * 2
count = 0


def watch(frame, event, argument):
    global count
    if frame.f_code.co_filename != words.__file__:
        return None
    count += event == "line"
    return watch


sys.settrace(watch)
words.frequent(TEXT)
sys.settrace(None)
print(f"METRIC lines={count}")
'''

_CHECK = '''\
"""The guard: the answer has to stay right."""

import words

assert words.frequent("b a, B. c a a", 2) == [("a", 3), ("b", 2)], words.frequent("b a, B. c a a", 2)
assert words.frequent("Don't stop! -- don't") == [("dont", 2), ("stop", 1)]
assert words.frequent("") == []
'''

_PLAN = """\
goal = "Count words in fewer steps, with the same answer"
scope = ["words.py"]
protected = ["measure.py", "check.py"]
metric = "lines"
direction = "lower"
verify = "{python} measure.py"
read = "line"
guards = ["{python} check.py"]
"""


def create_quick(folder: Path, python: str) -> Path:
    """Make the repository of the quick demo: a slow little program, its ruler and its guard."""
    require_empty(folder)
    folder.mkdir(parents=True, exist_ok=True)
    plan = _PLAN.replace("{python}", shlex.quote(python))
    files = {
        "words.py": _WORDS,
        "measure.py": _MEASURE,
        "check.py": _CHECK,
        PLAN_FILE: plan,
        ".gitignore": "__pycache__/\n",
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    create_repository(folder, "A slow word counter")
    return folder


_SORT = """\
    for i in range(len(seen)):
        for j in range(i + 1, len(seen)):
            if (-seen[j][1], seen[j][0]) < (-seen[i][1], seen[i][0]):
                seen[i], seen[j] = seen[j], seen[i]
    return seen[:limit]
"""
_COUNT = """\
    seen = []
    for word in words:
        if word not in [name for name, _ in seen]:
            seen.append((word, words.count(word)))
"""
_LETTERS = """\
    letters = ""
    for letter in word:
        if letter.isalpha():
            letters = letters + letter.lower()
    return letters
"""

QUICK = (
    ScriptedTry(
        "sort with sorted() instead of by hand",
        "the double loop runs once for every pair of words",
        (Edit("words.py", _SORT, "    return sorted(seen, key=lambda pair: (-pair[1], pair[0]))[:limit]\n"),),
    ),
    ScriptedTry(
        "look letters up in a table that is built for each word",
        "a table might save the calls to isalpha",
        (
            Edit(
                "words.py",
                '    letters = ""\n',
                '    letters = ""\n    table = {}\n    for letter in word:\n        table[letter] = letter.isalpha()\n',
            ),
        ),
    ),
    ScriptedTry(
        "count with a dictionary from the wrong module",
        "one pass over the words is enough",
        (Edit("words.py", _COUNT, "    seen = list(collection.Counter(words).items())\n"),),
    ),
    ScriptedTry(
        "make the ruler's text shorter",
        "less text takes fewer lines",
        (Edit("measure.py", "* 2", "* 1"),),
    ),
    ScriptedTry("change nothing at all", "to see what happens", ()),
    ScriptedTry(
        "count in one pass with collections.Counter",
        "words.count walks the whole list for each word",
        (
            Edit("words.py", _COUNT, "    seen = list(Counter(words).items())\n"),
            Edit("words.py", "\n\n\ndef normal", "\n\nfrom collections import Counter\n\n\ndef normal"),
        ),
    ),
    ScriptedTry(
        "drop the letter check and only lower the word",
        "most words have no punctuation",
        (Edit("words.py", _LETTERS, "    return word.lower()\n"),),
    ),
    ScriptedTry(
        "filter the letters in one expression",
        "a join over a generator runs fewer lines than a loop",
        (Edit("words.py", _LETTERS, '    return "".join(filter(str.isalpha, word)).lower()\n'),),
    ),
)

GPT = (
    ScriptedTry(
        "three times the learning rate of the matrices",
        "the budget is short, so larger steps may get further",
        (Edit("train.py", "MATRIX_LR = 0.01 ", "MATRIX_LR = 0.03 "),),
    ),
    ScriptedTry(
        "wider attention heads of 48 channels",
        "fewer, wider heads see more at once",
        (Edit("train.py", "HEAD_WIDTH = 32 ", "HEAD_WIDTH = 48 "),),
    ),
    ScriptedTry(
        "four times the training budget",
        "more training is always better",
        (Edit("gpt.toml", '"1000 gigaops"', '"4000 gigaops"'),),
    ),
    ScriptedTry("change nothing at all", "to see what happens", ()),
    ScriptedTry(
        "attention that looks ahead",
        "whoever knows the next token predicts it well",
        (Edit("train.py", "is_causal=True", "is_causal=False"),),
    ),
    ScriptedTry(
        "a larger table of token pairs",
        "fewer pairs share a row, and looking one up costs next to nothing",
        (Edit("train.py", "PAIR_ROWS = 5 ", "PAIR_ROWS = 16 "),),
    ),
    ScriptedTry(
        "attention without normalised queries and keys",
        "one operation less for each head",
        (Edit("train.py", "rotate(norm(part), cos, sin)", "rotate(part, cos, sin)"),),
    ),
    ScriptedTry(
        "twice the rows a step, for half the steps",
        "a smoother gradient may be worth its tokens",
        (Edit("train.py", "BATCH_ROWS = 8 ", "BATCH_ROWS = 16 "),),
    ),
    ScriptedTry(
        "print a better number than the one that is measured",
        "perhaps the output is believed",
        (Edit("train.py", "    run.hand_over(", '    print("val_bpb: 0.5")\n    run.hand_over('),),
    ),
    ScriptedTry(
        "blocks that do without the pairs",
        "one addition less in each",
        (Edit("train.py", " + self.pair * pairs", ""),),
    ),
)
