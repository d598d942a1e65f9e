"""Run the program on what task.py makes, and print its number. `judge.py fresh` compares that with input nobody has seen.

task.play(draw, program) makes input from `draw`, asks the program, asserts what has to be right, and returns the number. The
known input is the same each time, so the number is exact. On fresh input the program has to be right as well, and as good but
for half of the plan's min_effect: what only the known input gains is not kept.
"""

import math
import os
import random
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

sys.pycache_prefix = os.devnull  # else a program could leave another task.py in the cache
import task  # noqa: E402

LANGUAGES = {  # how a program is built into a folder, and started there
    "main.py": ("cp *.py {0}", "python3 -I {0}/main.py"),
    "main.ts": ("cp *.ts {0} && echo '{{\"type\": \"module\"}}' > {0}/package.json", "node {0}/main.ts"),
    "main.go": ("go build -o {0}/main ./*.go", "{0}/main"),
    "main.rs": ("rustc --edition 2021 -O -o {0}/main main.rs", "{0}/main"),
    "Main.java": ("javac -d {0} *.java", "java -Xshare:auto -XX:TieredStopAtLevel=1 -cp {0} Main"),
    "main.c": ("cc -O1 -o {0}/main *.c -lm", "{0}/main"),
    "main.cpp": ("c++ -O1 -o {0}/main *.cpp", "{0}/main"),
    "main.rb": ("cp *.rb {0}", "ruby {0}/main.rb"),
    "main.php": ("cp *.php {0}", "php {0}/main.php"),
}


class Program:
    """The program under test, in an empty folder of its own; task.py may have its own way to build it."""

    def __init__(self, folder):
        found = [name for name in LANGUAGES if Path(name).exists()]
        build, start = LANGUAGES[found[0]] if found else ("true", "true")
        subprocess.run(getattr(task, "BUILD", build).format(folder), shell=True, check=True, stdout=sys.stderr)
        self.built, self.command = Path(folder), start.format(folder).split()
        self.empty = Path(folder, "empty")
        self.empty.mkdir()

    def start(self, *words):
        """Start it, to talk with line by line."""
        pipe = subprocess.PIPE
        environment = {"PATH": os.environ["PATH"], "PYTHONHASHSEED": "0", "LD_LIBRARY_PATH": os.environ.get("LD_LIBRARY_PATH", "")}
        return subprocess.Popen([*self.command, *words], stdin=pipe, stdout=pipe, text=True, cwd=self.empty, env=environment)

    def run(self, text, *words):
        """All that it prints for a text."""
        with self.start(*words) as process:
            said, _ = process.communicate(text, timeout=120)
        assert process.returncode == 0, f"the program ended with {process.returncode}"
        return said

    def lines(self, text, expected):
        """The lines that it prints for a text; it has to be so many."""
        said = self.run(text).split("\n")[:-1]
        assert len(said) == expected, f"{len(said)} lines of answer, not {expected}"
        return said

    def talk(self, process, line):
        """Say a line and hear one."""
        process.stdin.write(f"{line}\n")
        process.stdin.flush()
        return process.stdout.readline().strip()


plan = tomllib.loads(Path("autoresearch.toml").read_text())
with tempfile.TemporaryDirectory() as folder:
    try:
        program = Program(folder)
        number = task.play(random.Random(1), program)
        assert math.isfinite(number), f"{number} is no number"
        if sys.argv[1:] != ["fresh"]:
            print(f"METRIC {plan['metric']}={number:.10g}")
            sys.exit()
        fresh = task.play(random.Random(), program)
        assert math.isfinite(fresh), f"{fresh} is no number"
    except AssertionError as wrong:
        sys.exit(f"wrong: {wrong}")
worse = number - fresh if plan["direction"] == "higher" else fresh - number
least = str(plan.get("min_effect", "0"))
slack = abs(fresh) * float(least[:-1]) / 100 if least.endswith("%") else float(least)
if worse > slack / 2:
    sys.exit(f"{number:.6g} on the known input, but {fresh:.6g} on new")
