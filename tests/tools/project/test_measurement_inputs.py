"""What measures besides protected files: the programs of commands, and files that steer them without being named."""

from __future__ import annotations

import pytest

from autoresearch_mcp.tools.plan.scope import Scope, check_glob
from autoresearch_mcp.tools.project.measurement_inputs import (
    executables,
    implied,
    measured_in_scope,
    search_folders,
    working_folders,
)

EXECUTABLES = {
    "one program": ("python x.py", ("python",)),
    "a program with a folder": ("./bin/run --fast", ("./bin/run",)),
    "a pipeline": ("cat log | grep x | tail -1", ("cat", "grep", "tail")),
    "a list": ("make && node a.js; wc -c a || ls", ("make", "node", "wc", "ls")),
    "no spaces around operators": ("a1&&b1|c1;d1", ("a1", "b1", "c1", "d1")),
    "a subshell": ("(cd x && cargo bench)", ("cargo",)),
    "a group": ("{ node a; node b; }", ("node",)),
    "lines": ("node a\npython b", ("node", "python")),
    "a continued line": ("node \\\n a", ("node",)),
    "assignments are skipped": ("A=1 B='x y' node a", ("node",)),
    "an assignment alone": ("A=1", ()),
    "env": ("env -u HOME X=1 node a", ("node",)),
    "time": ("time -p node a", ("node",)),
    "timeout": ("timeout 5 node a", ("node",)),
    "timeout with options": ("timeout -k 3 --signal=KILL 5m node a", ("node",)),
    "nice": ("nice -n 10 node a", ("node",)),
    "taskset": ("taskset -c 0-3 node a", ("node",)),
    "several starters": ("sudo -u ada env X=1 nice timeout 5s node a", ("node",)),
    "a starter with a folder": ("/usr/bin/time -f %e node a", ("node",)),
    "a module": ("python -m pytest -q", ("python",)),
    "a redirection is no program": ("node a > out.txt 2>&1", ("node",)),
    "a redirection in front": ("> out.txt node a", ("node",)),
    "a redirection after a group": ("(node a)>out.txt", ("node",)),
    "both streams": ("node a &> out.txt && cat out.txt", ("node", "cat")),
    "a clobbering redirection": ("node a >| out.txt", ("node",)),
    "a process substitution": ("diff <(node a) <(deno b)", ("diff", "node", "deno")),
    "a command substitution": ("echo $(node a)", ("node",)),
    "a quoted command substitution": ('echo "x $(node a | tail -1)"', ("node", "tail")),
    "backticks": ("echo `node a`", ("node",)),
    "a substitution in an assignment": ("X=$(node a) deno b", ("node", "deno")),
    "a shell within": ("bash -c 'node a | tail -1'", ("bash", "node", "tail")),
    "a shell with several letters": ("sh -euc 'node a'", ("sh", "node")),
    "a script of a shell": ("bash run.sh", ("bash",)),
    "quoted operators are text": ("node -e 'a | b; c'", ("node",)),
    "conditions": ("if node a; then deno b; else exit 1; fi", ("node", "deno")),
    "a loop": ("for i in 1 2; do node $i; done", ("node",)),
    "a negation": ("! grep -q bad app.txt", ("grep",)),
    "a function": ("f() { node a; }; f", ("node", "f")),
    "arithmetic": ("echo $((1 + 2)) && node a", ("node",)),
    "a here-document": ("python - <<'EOF'\nimport os; print(1)\nEOF\nnode a", ("python", "node")),
    "a comment": ("# how fast\nnode a", ("node",)),
    "the shell's own commands": ("cd x && echo 1 && [ -f y ] && export Z=1", ()),
    "once each": ("node a; node b", ("node",)),
    "a variable cannot be told": ("$PYTHON x.py", ()),
    "an open quote": ("node 'a", ("node",)),
    "nothing": ("", ()),
}


@pytest.mark.parametrize("case", EXECUTABLES)
def test_the_programs_of_a_command_are_found(case: str) -> None:
    command, programs = EXECUTABLES[case]

    assert executables(command) == programs


@pytest.mark.parametrize(
    "text", ["'", '"', "((((", "))", "<<", "<<EOF\n", "$(", "`", "\\", "\0", "a\n" * 9, "env", "timeout"]
)
def test_no_text_is_too_strange_for_a_command(text: str) -> None:
    for command in (text, f"node {text}", f"{text} node", f"bash -c {text}"):
        assert isinstance(executables(command), tuple)


SEARCHED = {
    "an assignment in front": ("PATH=bin:$PATH node a", "PATH", ("bin",)),
    "an export": ('export PATH="$PWD/tools/bin:$PATH"; node a', "PATH", ("tools/bin",)),
    "env": ("env PATH=./bin:/usr/bin node a", "PATH", ("bin",)),
    "appended": ("PATH+=:bin; node a", "PATH", ("", "bin")),
    "the root": ("PATH=.:$PATH node a", "PATH", ("",)),
    "an empty entry is the root": ("PATH=:/usr/bin node a", "PATH", ("",)),
    "out of the repository": ("PATH=../bin:/opt/bin:~/bin node a", "PATH", ()),
    "another variable": ("PYTHONPATH=src python a.py", "PATH", ()),
    "Python's": ("PYTHONPATH=src:lib python a.py", "PYTHONPATH", ("src", "lib")),
}


@pytest.mark.parametrize("case", SEARCHED)
def test_folders_that_commands_search_are_found(case: str) -> None:
    command, variable, folders = SEARCHED[case]

    assert search_folders([command], variable) == folders


def test_folders_that_a_command_enters_are_found() -> None:
    assert working_folders("cd a && make -C b; npm --prefix ./c/ test; cd .. ; cd /tmp") == ("", "a", "b", "c")


ALWAYS = (".env", ".envrc", ".gitattributes", ".gitmodules", ".gitignore", "sitecustomize.py", "usercustomize.py")
IMPLIED = {
    "make": ("make bench", "Makefile makefile GNUmakefile", "package.json pytest.ini"),
    "make elsewhere": ("make -C sub", "sub/Makefile Makefile", "other/Makefile"),
    "npm": (
        "npm test",
        "package.json .npmrc .yarnrc.yml pnpm-workspace.yaml jest.config.js vitest.config.ts",
        "Makefile",
    ),
    "npm elsewhere": ("cd web && npm test", "web/package.json", "api/package.json"),
    "pnpm": ("pnpm run bench", "package.json", "vite.config.ts"),
    "npx": ("npx vitest run", "vitest.config.mts vite.config.ts package.json", "pytest.ini"),
    "jest": ("node_modules/.bin/jest", "jest.config.ts jest.config.json", "package.json"),
    "pytest": ("pytest -q", "pytest.ini tox.ini setup.cfg pyproject.toml conftest.py tests/conftest.py", "sub/tox.ini"),
    "pytest as a module": ("python3.12 -m pytest", "pytest.ini conftest.py", "Makefile"),
    "pytest under coverage": ("uv run coverage run -m pytest", "pytest.ini", "Makefile"),
    "pytest in a text": ("echo pytest", ".env", "pytest.ini"),
    "tox": ("tox -e py", "tox.ini", "Makefile"),
    "just": ("just bench", "justfile", "Makefile"),
    "cargo": ("cargo bench", "Cargo.toml build.rs .cargo/config.toml", "src/build.rs"),
    "go": ("go test -bench .", "go.mod", "Makefile"),
    "cmake": ("cmake --build b", "CMakeLists.txt", "Makefile"),
    "a starter in front": ("timeout 60 make bench", "Makefile", "package.json"),
    "anything": ("./run", " ".join((*ALWAYS, "src/.gitattributes", "a/b/sitecustomize.py")), "Makefile src/.env"),
}


@pytest.mark.parametrize("case", IMPLIED)
def test_what_steers_a_command_is_sealed_unnamed(case: str) -> None:
    command, sealed, free = IMPLIED[case]
    globs = implied([command], ["**"])

    assert not [glob for glob in globs if check_glob(glob)]
    assert [path for path in sealed.split() if not Scope(globs).matches(path)] == []
    assert [path for path in free.split() if Scope(globs).matches(path)] == []


def test_a_file_that_the_scope_names_is_not_sealed() -> None:
    covered = Scope(
        implied(["make && pytest"], ["./Makefile", "conftest.py", "tests/unit/conftest.py", "src", "p*.toml"])
    )

    assert not covered.matches("Makefile")
    assert not covered.matches("conftest.py")
    assert not covered.matches("tests/unit/conftest.py")
    assert covered.matches("tests/conftest.py")
    assert covered.matches("src/conftest.py")
    assert covered.matches("pyproject.toml")
    assert covered.matches("GNUmakefile")


def test_a_file_that_the_scope_takes_out_stays_sealed() -> None:
    assert Scope(implied(["make"], ["**", "!Makefile"])).matches("Makefile")


MEASURED = {
    "a script": ("python train.py", ("train.py",)),
    "a script with a dot": ("./train.py --fast", ("train.py",)),
    "a script in a folder": ("node src/bench.js | tail -1", ("src/bench.js",)),
    "a file that is printed": ("cat value.txt", ("value.txt",)),
    "in another folder": ("cd src && node bench.js", ("src/bench.js",)),
    "an option's value": ("make --file=value.txt", ("value.txt",)),
    "a module": ("python -m src.model", ("src/model.py",)),
    "within a shell": ("bash -c 'python train.py'", ("train.py",)),
    "what is protected": ("python bench.py", ()),
    "what is out of the scope": ("python other.py", ()),
    "what is not tracked": ("python new.py", ()),
    "what is only counted": ("wc -c train.py", ()),
    "a word within a word": ("python xtrain.py", ()),
}


@pytest.mark.parametrize("case", MEASURED)
def test_what_an_experiment_could_print_itself_is_named(case: str) -> None:
    command, files = MEASURED[case]
    tracked = ("train.py", "src/bench.js", "src/model.py", "value.txt", "bench.py", "other.py")
    scope, protected = Scope(("**", "!other.py")), Scope(("bench.py",))

    assert measured_in_scope(command, tracked, scope, protected) == files
