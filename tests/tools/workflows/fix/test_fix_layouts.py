"""Errors are found in real projects of ten kinds by their own tools, and none where nothing is broken.

The projects are made by the ecosystems' own generators where these work offline. A tool that is not installed skips its
project; Maven takes long, and runs with `-m slow` alone, as does what differs little from another project.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from conftest import Project
from ledgers import WorkflowAgent

HOME = Path.home()
MAVEN = Path("/usr/share/maven-repo")
SUREFIRE = MAVEN / "org/apache/maven/plugins/maven-surefire-plugin/2.22.3"


@dataclass(frozen=True)
class Layout:
    """One kind of project: the programs that it needs, how it is begun, its files, what is found there, and the files mended."""

    programs: tuple[str, ...]
    begin: Callable[[Project], None]
    files: dict[str, str]
    found: tuple[str, ...]
    mended: dict[str, str]


def run(project: Project, *words: str) -> None:
    subprocess.run(words, cwd=project.root, check=True, capture_output=True)


def nothing(project: Project) -> None:
    """For projects that begin with their files."""


def npm(project: Project) -> None:
    run(project, "npm", "init", "-y")
    run(project, "npm", "pkg", "set", "scripts.test=node --test", "type=module")


def cargo(project: Project) -> None:
    run(project, "cargo", "init", "--lib", "--quiet", "--name", "calc")
    run(project, "cargo", "generate-lockfile", "--offline")


def maven(project: Project) -> None:
    """A wrapper that needs no network: Debian's plugins, linked into a repository of the project's own."""
    repository = project.root.parent / "m2"
    run(project, "cp", "-rsL", str(MAVEN), str(repository))
    project.write("mvnw", f'#!/bin/sh\nexec mvn -o -Dmaven.repo.local={repository} "$@"\n')
    (project.root / "mvnw").chmod(0o755)


def php(project: Project) -> None:
    for name in ("phpunit", "phpcs"):
        path = project.root / "vendor" / "bin" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(shutil.which(name) or name)


POM = """\
<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>x</groupId><artifactId>calc</artifactId><version>1</version>
<properties><maven.compiler.source>17</maven.compiler.source><maven.compiler.target>17</maven.compiler.target>
<project.build.sourceEncoding>UTF-8</project.build.sourceEncoding></properties>
<dependencies><dependency><groupId>junit</groupId><artifactId>junit</artifactId><version>4.x</version><scope>test</scope></dependency></dependencies>
<build><plugins>
<plugin><artifactId>maven-compiler-plugin</artifactId><version>3.10.1</version></plugin>
<plugin><artifactId>maven-resources-plugin</artifactId><version>3.3.0</version></plugin>
<plugin><artifactId>maven-surefire-plugin</artifactId><version>2.22.3</version></plugin>
</plugins></build></project>
"""

LAYOUTS = {
    "python with pytest, mypy and ruff": Layout(
        ("pytest", "mypy", "ruff"),
        nothing,
        {
            "pyproject.toml": '[project]\nname = "calc"\nversion = "1"\n[dependency-groups]\ndev = ["pytest", "mypy", "ruff"]\n[tool.mypy]\nstrict = true\nmypy_path = "src"\n[tool.pytest.ini_options]\npythonpath = ["src"]\naddopts = "-p no:anyio"\n',
            "src/calc.py": 'import os\n\n\ndef add(a: int, b: int) -> int:\n    return a + b + 1\n\n\ndef name() -> int:\n    return "calc"\n',
            "tests/test_calc.py": "from calc import add\n\n\ndef test_add() -> None:\n    assert add(2, 2) == 4\n",
            "tests/test_lost.py": "from calc import lost\n\n\ndef test_lost() -> None:\n    assert lost() is None\n",
        },
        (
            "crash: tests/test_lost.py:1 tests.test_lost ImportError: cannot import name 'lost'",
            'type: src/calc.py:9 Incompatible return value type (got "str", expected "int") [return-value] (mypy)',
            "type: tests/test_lost.py:1 Module",
            "test: tests/test_calc.py:5 tests.test_calc::test_add assert 5 == 4",
            "lint: src/calc.py:1 `os` imported but unused [F401] (ruff)",
        ),
        {
            "src/calc.py": "def add(a: int, b: int) -> int:\n    return a + b\n\n\ndef lost() -> None:\n    return None\n",
            "tests/test_lost.py": "import calc\n\n\ndef test_lost() -> None:\n    calc.lost()\n",
        },
    ),
    "node with its own test runner": Layout(
        ("npm", "node"),
        npm,
        {
            "src/calc.js": "export const add = (a, b) => a + b + 1;\n",
            "test/calc.test.js": 'import test, { describe, it } from "node:test";\nimport assert from "node:assert";\nimport { add } from "../src/calc.js";\ndescribe("calc", () => { it("adds", () => { assert.equal(add(2, 2), 4); }); });\ntest("fine", () => {});\n',
            "test/lost.test.js": 'import "../src/lost.js";\n',
        },
        ("crash: test/lost.test.js", "test: test/calc.test.js:4 calc::adds 5 == 4 (node)"),
        {"src/calc.js": "export const add = (a, b) => a + b;\n", "src/lost.js": "\n"},
    ),
    "rust": Layout(
        ("cargo", "cargo-clippy"),
        cargo,
        {
            "src/lib.rs": "pub fn add(a: u64, b: u64) -> u64 {\n    let unused = 1;\n    return a + b + 1;\n}\n\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn adds() {\n        assert_eq!(super::add(2, 2), 4);\n    }\n}\n"
        },
        (
            "test: src/lib.rs:10 tests::adds assertion `left == right` failed (cargo)",
            "lint: src/lib.rs:3 unneeded `return` statement [clippy::needless_return] (clippy)",
            "warning: src/lib.rs:2 unused variable: `unused` [unused_variables]",
        ),
        {
            "src/lib.rs": "pub fn add(a: u64, b: u64) -> u64 {\n    a + b\n}\n\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn adds() {\n        assert_eq!(super::add(2, 2), 4);\n    }\n}\n"
        },
    ),
    "rust that does not compile": Layout(
        ("cargo", "cargo-clippy"),
        cargo,
        {"src/lib.rs": 'pub fn add(a: u64) -> u64 {\n    "a"\n}\n'},
        ("build: src/lib.rs:2 mismatched types [E0308] (cargo)",),
        {"src/lib.rs": "pub fn add(a: u64) -> u64 {\n    a\n}\n"},
    ),
    "go": Layout(
        ("go",),
        lambda project: run(project, "go", "mod", "init", "example.org/calc"),
        {
            "calc.go": "package calc\n\nfunc Add(a, b int) int { return a + b + 1 }\n",
            "calc_test.go": 'package calc\n\nimport "testing"\n\nfunc TestAdd(t *testing.T) {\n\tif Add(2, 2) != 4 {\n\t\tt.Errorf("Add = %d", Add(2, 2))\n\t}\n}\n',
            "shout/shout.go": "package shout\n\nfunc Loud() string { return 1 }\n",
            "lint/lint.go": "package lint\n\nfunc Same(x int) int {\n\tx = x\n\treturn x\n}\n",
        },
        (
            "build: shout/shout.go:3 cannot use 1",
            "test: calc_test.go:7 example.org/calc.TestAdd Add = 5 (go test)",
            "lint: lint/lint.go:4 self-assignment of x to x [assign] (go vet)",
        ),
        {
            "calc.go": "package calc\n\nfunc Add(a, b int) int { return a + b }\n",
            "shout/shout.go": 'package shout\n\nfunc Loud() string { return "1" }\n',
            "lint/lint.go": "package lint\n\nfunc Same(x int) bool { return x == 1 }\n",
        },
    ),
    "c with make": Layout(
        ("make", "gcc"),
        nothing,
        {
            ".gitignore": "calc\n*.o\n",
            "Makefile": "CC = gcc\nCFLAGS = -Wall\ncalc: main.o add.o\n\t$(CC) -o $@ $^\ntest: calc\n\t./calc\n",
            "main.c": '#include <stdio.h>\nint add(int a, int b);\nint main(void) {\n    int unused;\n    int good = add(2, 2) == 4;\n    printf("%s 1 - adds\\n", good ? "ok" : "not ok");\n    return !good;\n}\n',
            "add.c": "int add(int a, int b) { return a + b + 1; }\n",
        },
        ("test: adds failed (make test)", "warning: main.c:4 unused variable"),
        {
            "main.c": '#include <stdio.h>\nint add(int a, int b);\nint main(void) {\n    int good = add(2, 2) == 4;\n    printf("%s 1 - adds\\n", good ? "ok" : "not ok");\n    return !good;\n}\n',
            "add.c": "int add(int a, int b) { return a + b; }\n",
        },
    ),
    "c with cmake": Layout(
        ("cmake", "ctest", "gcc"),
        nothing,
        {
            ".gitignore": "build/\n",
            "CMakeLists.txt": "cmake_minimum_required(VERSION 3.21)\nproject(calc C)\nenable_testing()\nadd_executable(calc main.c)\nadd_test(NAME adds COMMAND calc)\nadd_test(NAME fine COMMAND calc fine)\n",
            "main.c": '#include <stdio.h>\nint main(int count, char **words) {\n    (void)words;\n    if (count == 1) puts("main.c:3: error: five");\n    return count == 1;\n}\n',
        },
        ("test: main.c:3 adds",),
        {"main.c": "int main(void) {\n    return 0;\n}\n"},
    ),
    "java with maven": Layout(
        ("mvn", "javac"),
        maven,
        {
            ".gitignore": "target/\n",
            "pom.xml": POM,
            "src/main/java/Calc.java": "public class Calc {\n    public static int add(int a, int b) { return a + b + 1; }\n}\n",
            "src/test/java/CalcTest.java": "import static org.junit.Assert.assertEquals;\nimport org.junit.Test;\npublic class CalcTest {\n    @Test public void adds() { assertEquals(4, Calc.add(2, 2)); }\n    @Test public void fine() { }\n}\n",
        },
        ("test: src/test/java/CalcTest.java:4 CalcTest::adds expected:<4> but was:<5> (maven)",),
        {
            "src/main/java/Calc.java": "public class Calc {\n    public static int add(int a, int b) { return a + b; }\n}\n"
        },
    ),
    "php with phpunit and phpcs": Layout(
        ("php", "phpunit", "phpcs"),
        php,
        {
            ".gitignore": "vendor/\n.phpunit*\n",
            "composer.json": '{"require-dev": {"phpunit/phpunit": "*", "squizlabs/php_codesniffer": "*"}}\n',
            "phpunit.xml": '<phpunit><testsuites><testsuite name="all"><directory>tests</directory></testsuite></testsuites></phpunit>\n',
            "phpcs.xml": '<ruleset name="x"><file>src</file><rule ref="Generic.Files.LineLength"><properties><property name="absoluteLineLimit" value="60"/></properties></rule></ruleset>\n',
            "src/calc.php": "<?php\n\nfunction add(int $a, int $b): int\n{\n    return $a + $b + 1; // a comment that is much too long for the rule above\n}\n",
            "tests/CalcTest.php": "<?php\n\nrequire_once __DIR__ . '/../src/calc.php';\n\nfinal class CalcTest extends PHPUnit\\Framework\\TestCase\n{\n    public function testAdd(): void\n    {\n        $this->assertSame(4, add(2, 2));\n    }\n}\n",
        },
        (
            "test: tests/CalcTest.php:9",
            "lint: src/calc.php:5 Line exceeds maximum limit of 60 characters",
        ),
        {"src/calc.php": "<?php\n\nfunction add(int $a, int $b): int\n{\n    return $a + $b;\n}\n"},
    ),
    "ruby with rspec and rubocop": Layout(
        ("ruby", "rspec", "rubocop"),
        nothing,
        {
            "Rakefile": "task :default\n",
            ".rspec": "--require spec_helper\n",
            ".rubocop.yml": "AllCops:\n  DisabledByDefault: true\n  SuggestExtensions: false\nLint/UselessAssignment:\n  Enabled: true\n",
            "lib/calc.rb": "def add(one, two)\n  unused = 1\n  one + two + 1\nend\n",
            "spec/spec_helper.rb": "require_relative '../lib/calc'\n",
            "spec/calc_spec.rb": "RSpec.describe 'calc' do\n  it 'adds' do\n    expect(add(2, 2)).to eq(4)\n  end\nend\n",
        },
        (
            "test: spec/calc_spec.rb:2 calc adds expected: 4 (rspec)",
            "lint: lib/calc.rb:2 Useless assignment to variable - `unused`.",
        ),
        {"lib/calc.rb": "def add(one, two)\n  one + two\nend\n"},
    ),
}  # fmt: skip


SELDOM = {"java with maven", "rust that does not compile", "c with cmake"}


@pytest.fixture
def own_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tools beside this interpreter first; toolchains where the real home has them, and no network."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("CARGO_HOME", os.environ.get("CARGO_HOME", str(HOME / ".cargo")))
    monkeypatch.setenv("RUSTUP_HOME", os.environ.get("RUSTUP_HOME", str(HOME / ".rustup")))
    monkeypatch.setenv("GOTOOLCHAIN", "local")
    monkeypatch.setenv("CARGO_NET_OFFLINE", "true")


def _there(program: str) -> bool:
    """Whether a program can be used; cargo may be a proxy for a toolchain that this home does not have."""
    if not shutil.which(program):
        return False
    return program != "cargo" or not subprocess.run(["cargo", "--version"], capture_output=True, check=False).returncode


@pytest.mark.usefixtures("own_tools")
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in SELDOM else []) for name in LAYOUTS]
)
def test_what_is_broken_is_found_and_nothing_where_nothing_is(name: str, tmp_path: Path) -> None:
    layout = LAYOUTS[name]
    if missing := [program for program in layout.programs if not _there(program)]:
        pytest.skip(f"not installed: {', '.join(missing)}")
    if layout.begin is maven and not SUREFIRE.exists():
        pytest.skip("Maven's plugins are not here (libsurefire-java, libmaven-compiler-plugin-java)")
    project = Project(tmp_path / "repo")
    layout.begin(project)
    for file, text in layout.files.items():
        project.write(file, text)
    project.commit("broken")
    agent = WorkflowAgent(project, "fix")

    state = agent.open().state

    assert not [line for line in state if line.startswith("Not looked at")]
    found = [line.removeprefix("Next: ").partition(" ")[2] for line in state[1:] if line.lstrip("Next: ")[:1] == "F"]
    told = "\n".join(found)
    assert len(found) == len(layout.found), told
    assert [line for line in layout.found if line not in told] == [], told

    for file, text in layout.mended.items():
        project.write(file, text)
    project.commit("mended")
    assert agent.run().state[0] == f"0 errors are left, {len(found)} at the start."
