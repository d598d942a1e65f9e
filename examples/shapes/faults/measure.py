"""Percent of the faults that the tests notice. faults.txt: the code's file, the command of its tests, then `old => new` for a
fault, and `old == new` for another way to say the same, which no test may notice. Tests call the code, and nothing else.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

code, command, *changes = Path("faults.txt").read_text().splitlines()
BEYOND = (
    r"open|system|exec|spawn|popen|read|/proc|process|require|import\s*\(|import\.|node:(?!test\b|assert\b)"
    r"|\beval|Function|constructor|globalThis|asm\b|embed|syscall|##|__FILE__|\bdl|extern"
)
for file in Path().iterdir():
    if file.suffix in (".c", ".h", ".ts", ".json") and file.name != code:
        if found := re.search(BEYOND, file.read_text(errors="replace")):
            sys.exit(f"{file}: tests call the code, and nothing else: {found[0]}")


def fails(text):
    """Whether the tests fail with such a code, in a copy of the folder."""
    with tempfile.TemporaryDirectory() as place:
        shutil.copytree(".", place, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".git", "faults.txt", "measure.py"))
        Path(place, code).write_text(text)
        return subprocess.run(command, shell=True, cwd=place, capture_output=True, timeout=60).returncode != 0


text, noticed, faults = Path(code).read_text(), 0, 0
if fails(text):
    sys.exit("the tests fail on the code as it is")
for change in changes:
    same = " == " in change and " => " not in change
    old, new = change.split(" == " if same else " => ")
    assert text.count(old) == 1, change
    failed = fails(text.replace(old, new))
    if same and failed:
        sys.exit(f"the tests look at how the code is written: {change}")
    faults, noticed = faults + (not same), noticed + (failed and not same)
print(f"noticed: {100 * noticed / faults:.1f}%")
