"""The one reading of shell commands, as its two users see it; and commands that bash itself accepts."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from collections.abc import Callable

import pytest

from autoresearch_mcp.tools.process.shell import scripts, simple_commands
from autoresearch_mcp.tools.process.shell_words import BUILT_IN, WRAPPERS
from autoresearch_mcp.tools.project.measurement_inputs import executables

# A command; the names of all that it starts, as the screen sees them; the files among them, which the fingerprint needs.
STARTED = {
    "flock": ("flock l ./m.sh", "m.sh", "./m.sh"),
    "flock with options": ("flock -w 5 -x l ./m.sh", "m.sh", "./m.sh"),
    "flock with a text": ("flock l -c './m.sh | tail -1'", "flock m.sh tail", "flock ./m.sh tail"),
    "strace": ("strace -f -o out ./m.sh", "m.sh", "./m.sh"),
    "parallel": ("parallel -j 4 ./m.sh ::: a b", "m.sh", "./m.sh"),
    "find": (r"find . -name '*.x' -exec ./m.sh {} \;", "find m.sh", "find ./m.sh"),
    "find with a wrapper": ("find . -exec nice ./m.sh {} +", "find m.sh", "find ./m.sh"),
    "find twice": (r"find . -exec ./a.sh {} \; -ok ./b.sh {} \;", "find a.sh b.sh", "find ./a.sh ./b.sh"),
    "a text for env": ("env -S 'python3 m.py'", "python3", "python3"),
    "a text for env beside options": ("env -u HOME -iS'A=1 python3 m.py' b", "python3", "python3"),
    "a long text for env": ("env --split-string='python3 m.py'", "python3", "python3"),
    "a condition": (
        "if ./a.sh; then ./b.sh; elif ./c.sh; then :; else ./d.sh; fi",
        "a.sh b.sh c.sh : d.sh",
        "./a.sh ./b.sh ./c.sh ./d.sh",
    ),
    "a condition in a pipeline": ("if ./a.sh; then ./b.sh; fi | ./c.sh", "a.sh b.sh c.sh", "./a.sh ./b.sh ./c.sh"),
    "for": ("for i in a $(./n.sh) c; do ./m.sh $i; done > log", "n.sh m.sh", "./n.sh ./m.sh"),
    "for over the arguments": ("for i do ./m.sh $i; done", "m.sh", "./m.sh"),
    "for with numbers": ("for ((i = 0; i < $(./n.sh); i++)); do ./m.sh; done", "n.sh m.sh", "./n.sh ./m.sh"),
    "while": (
        "while read x; do ./m.sh $x; done < <(./n.sh)",
        "read m.sh n.sh",
        "./m.sh ./n.sh",
    ),
    "until": ("until ./a.sh; do sleep 1; done", "a.sh sleep", "./a.sh sleep"),
    "select": ("select x in a b; do ./m.sh; done", "m.sh", "./m.sh"),
    "case": (
        "case $x in a) ./a.sh;; (b | c) ./b.sh;& d*) case y in y) ./d.sh;; esac;; esac; ./e.sh",
        "a.sh b.sh d.sh e.sh",
        "./a.sh ./b.sh ./d.sh ./e.sh",
    ),
    "case on lines": ("case $(./n.sh) in\n  a)\n    ./a.sh\n    ;;\nesac", "n.sh a.sh", "./n.sh ./a.sh"),
    "a group": ("{ ./a.sh; { ./b.sh; }; } 2>&1 | tail -1", "a.sh b.sh tail", "./a.sh ./b.sh tail"),
    "subshells": ("( (./a.sh) ; (./b.sh) )", "a.sh b.sh", "./a.sh ./b.sh"),
    "loops in loops": (
        "for i in 1; do while ./a.sh; do if ./b.sh; then ./c.sh; fi done done",
        "a.sh b.sh c.sh",
        "./a.sh ./b.sh ./c.sh",
    ),
    "a question after a command": ("command -v node && ./m.sh", "command m.sh", "./m.sh"),
    "a command by its name": ("command -p ./m.sh", "m.sh", "./m.sh"),
    "a test": ("[[ -f a && $x < b || $y =~ ^(c|d)$ ]] && ./m.sh", "[[ m.sh", "./m.sh"),
    "a test with a substitution": ("[[ $(./n.sh) == a ]] || ./m.sh", "[[ n.sh m.sh", "./n.sh ./m.sh"),
    "arithmetic": ("(( x = $(./n.sh) + 1 )); ./m.sh $((x + 1))", "n.sh m.sh", "./n.sh ./m.sh"),
    "two subshells at once": ("((./a.sh); (./b.sh))", "a.sh b.sh", "./a.sh ./b.sh"),
    "a subshell in a substitution": ("echo $((./a.sh) | ./b.sh)", "echo a.sh b.sh", "./a.sh ./b.sh"),
    "an array": ('x=(a $(./n.sh)); ./m.sh "${x[@]}"', "n.sh m.sh", "./n.sh ./m.sh"),
    "a declared array": ("declare -a x=(a b); ./m.sh", "declare m.sh", "./m.sh"),
    "a function": ("f() { ./m.sh; }; f", "m.sh f", "./m.sh f"),
    "a function by its keyword": ("function f { ./m.sh; }", "m.sh", "./m.sh"),
    "a function in a subshell": ("f() ( ./m.sh )", "m.sh", "./m.sh"),
    "time of a group": ("time -p { ./m.sh; }", "m.sh", "./m.sh"),
    "time of a loop": ("time for i in 1 2; do ./m.sh; done", "m.sh", "./m.sh"),
    "a negation": ("! ./m.sh", "m.sh", "./m.sh"),
    "options in one word": ("sudo -Eu bob ./m.sh; xargs -0n 1 ./n.sh", "m.sh n.sh", "./m.sh ./n.sh"),
    "an option with its value": ("nice -n5 xargs -I{} -P4 ./m.sh", "m.sh", "./m.sh"),
    "a chain of wrappers": (
        "sudo -u ada env X=1 nohup setsid -w nice timeout -k 3 5s stdbuf -oL ./m.sh",
        "m.sh",
        "./m.sh",
    ),
    "wrappers of the machine": (
        "taskset -c 0-3 chrt -f 10 numactl -C 0 ionice -c2 caffeinate -i ./m.sh",
        "m.sh",
        "./m.sh",
    ),
    "another root": ("chroot / ./m.sh", "m.sh", "./m.sh"),
    "busybox": ("busybox sh -c './m.sh'", "sh m.sh", "busybox ./m.sh"),
    "exec": ("exec -a x ./m.sh", "m.sh", "./m.sh"),
    "exec of nothing": ("exec 3>&1; ./m.sh", "exec m.sh", "./m.sh"),
    "env alone": ("env A=1", "env", "env"),
    "a shell with arguments": ("bash -euc './m.sh $1' name value", "bash m.sh", "bash ./m.sh"),
    "a terminal": ("script -qc './m.sh' /dev/null", "script m.sh", "script ./m.sh"),
    "eval": ("eval './m.sh' '| tail'", "eval m.sh tail", "./m.sh tail"),
    "a trap": ("trap './m.sh' EXIT", "trap m.sh", "./m.sh"),
    "a benchmark of commands": ("hyperfine -w 3 './m.sh 1'", "hyperfine m.sh", "hyperfine ./m.sh"),
    "a here-document for a shell": ("bash <<'END'\n./m.sh\nEND", "bash m.sh", "bash ./m.sh"),
    "a here-document that is expanded": ('cat <<END\n"$(./m.sh)"\nEND', "cat m.sh", "cat ./m.sh"),
    "a here-document that is not": ("cat <<'END'\n$(./m.sh)\nEND", "cat", "cat"),
    "both streams into a pipe": ("./a.sh |& ./b.sh", "a.sh b.sh", "./a.sh ./b.sh"),
    "process substitutions": ("diff <(./a.sh) >(./b.sh)", "diff a.sh b.sh", "diff ./a.sh ./b.sh"),
    "redirections": ("< in ./m.sh 2>&1 >| out &>> log", "m.sh", "./m.sh"),
    "a comment": ("./m.sh # then ./n.sh", "m.sh", "./m.sh"),
    "words that are reserved elsewhere": ("./m.sh if done in esac }", "m.sh", "./m.sh"),
    "our count of errors": (
        "/usr/bin/python3 -I /opt/x/count_errors.py --build './m.sh a' --test './n.sh | tail'",
        "python3",
        "/usr/bin/python3 ./m.sh ./n.sh tail",
    ),
}


def _names(command: str) -> set[str]:
    return {part.name for script in scripts(command) for part in script if part.words}


@pytest.mark.parametrize("case", STARTED)
def test_the_screen_and_the_fingerprint_see_what_a_command_starts(case: str) -> None:
    command, names, files = STARTED[case]

    assert _names(command) == set(names.split())
    assert set(executables(command)) == set(files.split())


@pytest.mark.parametrize("name", sorted(WRAPPERS))
def test_every_wrapper_is_seen_through_by_its_name_and_its_path(name: str) -> None:
    before = "x " * WRAPPERS[name].words

    for command in (f"{name} {before}./m.sh a", f"/usr/bin/{name} {before}./m.sh a"):
        assert [part.words for part in simple_commands(command)] == [("./m.sh", "a")]


def test_what_is_assigned_is_known_wherever_it_is_said() -> None:
    command = "A=1 env B=2 C+=3 ./m.sh D=4; export E=5 F; local G=6; x[0]=7"

    assert [part.assigned for part in simple_commands(command)] == [
        ("A=1", "B=2", "C+=3"),
        ("E=5",),
        ("G=6",),
        ("x[0]=7",),
    ]


def test_words_that_no_program_gets_are_kept_apart() -> None:
    loop, _, _ = simple_commands("for f in ~/.ssh/*; do cat $f; done")

    assert (loop.words, loop.data) == ((), ("for", "f", "in", "~/.ssh/*"))


class Commands:
    """Makes commands that use the whole of the grammar; `p1`, `p2` ... in them are programs, and nothing else is."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._count = 0

    def make(self, depth: int = 3) -> str:
        forms: list[Callable[[int], str]] = [self._simple] * 3
        if depth:
            forms += [self._list, self._group, self._branch, self._loop, self._case, self._function, self._test]
        return self._random.choice(forms)(depth - 1)

    def _simple(self, depth: int) -> str:
        self._count += 1
        name = f"p{self._count}"
        wrapper = self._random.choice(["", "", "nice -n 5 ", "A=1 ", "env B=2 ", "timeout 5 ", "time ", "nohup "])
        words = [self._word(depth) for _ in range(self._random.randrange(3))]
        end = self._random.choice(["", "", " > out", " 2>&1", " < in >> 'a b'", " <<< text"])
        return wrapper + " ".join([name, *words]) + end

    def _word(self, depth: int) -> str:
        plain = ["a", "'if x; y'", '"a; $b | c"', "\\;", "$((1 + 2))", "${x:-y}", "a=b", "{}", "*.py", "$'\\n'", "done"]
        if depth > 0 and self._random.random() < 0.3:
            form = self._random.choice(["$({})", '"x $({})"', "<({})", "a$({})b"])
            return form.format(self._simple(0))
        return self._random.choice(plain)

    def _list(self, depth: int) -> str:
        operator = self._random.choice([" && ", " || ", " | ", "; ", "\n", " |& ", " & ", " # note; if\n", " \\\n && "])
        return self.make(depth) + operator + self.make(depth)

    def _group(self, depth: int) -> str:
        opened, closed = self._random.choice([("{ ", "; }"), ("( ", ")"), ("( ", " ) > log"), ("! { ", "\n}")])
        return opened + self.make(depth) + closed

    def _branch(self, depth: int) -> str:
        other = self._random.choice(
            ["", f"; else {self.make(depth)}", f"\nelif {self.make(depth)}; then {self.make(depth)}"]
        )
        return f"if {self.make(depth)}; then {self.make(depth)}{other}; fi"

    def _loop(self, depth: int) -> str:
        head = self._random.choice(
            [
                "for i in a b 'c d'",
                "for ((i = 0; i < 3; i++))",
                f"while {self.make(depth)}",
                f"until {self.make(depth)}",
            ]
        )
        return f"{head}; do {self.make(depth)}; done"

    def _case(self, depth: int) -> str:
        return f"case $x in a | b) {self.make(depth)} ;;\n (*) {self.make(depth)}\n;; esac"

    def _function(self, depth: int) -> str:
        return self._random.choice(["f() {{ {}; }}", "function g {{ {}; }}"]).format(self.make(depth))

    def _test(self, depth: int) -> str:
        return f"[[ -f a && $x < b ]] && {self.make(depth)}"


def test_what_bash_accepts_is_read_with_every_program_in_it() -> None:
    if (bash := shutil.which("bash")) is None:
        pytest.skip("no bash here")
    made = [text for seed in range(400) if _accepts(bash, text := Commands(seed).make())]
    cut = [text[: len(text) * 2 // 3] for text in made]

    assert len(made) > 300
    for text in (*made, *cut):
        assert {part.name for part in simple_commands(text) if part.words} == _names(text)
    for text in made:
        started = {name for name in _names(text) if name not in BUILT_IN}
        assert started == set(re.findall(r"\bp\d+\b", text)), text


def _accepts(bash: str, command: str) -> bool:
    return subprocess.run([bash, "-n", "-c", command], check=False, capture_output=True, timeout=20).returncode == 0
