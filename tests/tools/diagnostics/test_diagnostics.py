"""What tools write about errors, read as one kind of value."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from autoresearch_mcp.tools.diagnostics.diagnostic import (
    Diagnostic,
    ReaderResult,
    ToolOutput,
    ToolRequest,
    Trouble,
    Unreadable,
    identified,
    points,
)
from autoresearch_mcp.tools.diagnostics.forms import ToolForm, form_of, known, read, read_plain
from autoresearch_mcp.tools.diagnostics.inspection import (
    Bug,
    Detection,
    Inspection,
    inspection_of,
    read_tally,
    tallied,
    written,
)
from autoresearch_mcp.tools.project.measurement_inputs import implied, tools

FILES = {
    *("src/a.py", "tests/test_a.py", "src/a.ts", "src/a.c", "src/lib.rs", "sub/a_test.go", "main.go", "a.php", "a.rb"),
    *("src/main/java/A.java", "test/a.test.js"),
}


def here(path: str) -> str:
    plain = path.removeprefix("file://").removeprefix("/repo/").removeprefix("./")
    return plain if plain in FILES else ""


def seen(
    command: str, stdout: str = "", trouble: Trouble = Trouble.LINT, *, stderr: str = "", report: str = ""
) -> ReaderResult:
    form = form_of(command)
    return read(form, ToolOutput(1, stdout, stderr, report), ToolRequest(form.tool, trouble, here))


def plain(text: str, trouble: Trouble = Trouble.BUILD, tool: str = "make") -> ReaderResult:
    return read_plain(ToolOutput(1, text, ""), ToolRequest(tool, trouble, here))


def told(one: Diagnostic) -> tuple[str, str, str, str, int]:
    return one.trouble.value, one.place, one.code, one.message, one.hides


LINES = [
    ("src/a.c:3:5: error: expected ';' before 'return'", ("build", "src/a.c:3", "", "expected ';' before 'return'", 2)),
    ("src/a.c:3:5: error: 'x' undeclared", ("build", "src/a.c:3", "", "'x' undeclared", 1)),
    ("src/a.c:1:10: fatal error: no.h: No such file", ("build", "src/a.c:1", "", "no.h: No such file", 2)),
    ("src/a.c:4:9: warning: unused [-Wunused]", ("warning", "src/a.c:4", "-Wunused", "unused", 0)),
    ("src/a.c:4:9: note: declared here", None),
    ("src/a.c:(.text+0x1f): undefined reference to `add'", ("build", "src/a.c", "", "undefined reference to `add'", 1)),
    ("make: *** No rule to make target 'b.c', needed by 'b.o'.  Stop.", ("build", "", "", "No rule to make target 'b.c', needed by 'b.o'", 2)),
    ("[ERROR] /repo/src/main/java/A.java:[3,9] ';' expected", ("build", "src/main/java/A.java:3", "", "';' expected", 2)),
    ("/repo/src/main/java/A.java:3: error: cannot find symbol", ("build", "src/main/java/A.java:3", "", "cannot find symbol", 1)),
    ("./main.go:7:3: undefined: x", ("build", "main.go:7", "", "undefined: x", 1)),
    ("PHP Parse error:  syntax error, unexpected '}' in a.php on line 3", ("build", "a.php:3", "", "syntax error, unexpected '}'", 2)),
    ("a.rb:3: syntax error, unexpected end", ("build", "a.rb:3", "", "syntax error, unexpected end", 2)),
    ("\x1b[1msrc/a.c:3:5: \x1b[31merror: \x1b[0mbad", ("build", "src/a.c:3", "", "bad", 1)),
    ("/usr/include/stdio.h:3:5: error: not ours", None),
    ("12:30:45: starting", None),
    ("see https://example.org:80: ok", None),
]  # fmt: skip


@pytest.mark.parametrize(("line", "expected"), LINES)
def test_a_line_with_a_place_in_the_repository_is_a_finding(line: str, expected: tuple[object, ...] | None) -> None:
    assert [told(one) for one in plain(f"noise\n{line}\n").found] == ([expected] if expected else [])


def test_typescript_is_told_from_its_numbers() -> None:
    text = "src/a.ts(3,5): error TS2322: Type 'x'.\nsrc/a.ts(9,1): error TS1005: ';' expected.\n"

    assert [(*told(one)[:3], one.hides) for one in seen("npx --no-install tsc --noEmit", text, Trouble.TYPES).found] == [
        ("type", "src/a.ts:3", "TS2322", 0),
        ("build", "src/a.ts:9", "TS1005", 2),
    ]  # fmt: skip


RUFF = [{"code": "F401", "filename": "/repo/src/a.py", "message": "unused", "location": {"row": 1, "column": 8}},
        {"code": None, "filename": "/repo/src/a.py", "message": "Expected `:`", "location": {"row": 4, "column": 1}}]  # fmt: skip
MYPY = {"file": "src/a.py", "line": 3, "column": 4, "message": "Incompatible", "hint": None, "code": "return-value", "severity": "error"}  # fmt: skip
ESLINT = [{"filePath": "/repo/src/a.ts", "messages": [
    {"ruleId": "no-undef", "severity": 2, "message": "'x' is not defined", "line": 2, "column": 1},
    {"ruleId": "eqeqeq", "severity": 1, "message": "Use ===", "line": 3, "column": 1},
    {"ruleId": None, "fatal": True, "severity": 2, "message": "Parsing error: x", "line": 9, "column": 1}]}]  # fmt: skip
PYRIGHT = {"generalDiagnostics": [
    {"file": "/repo/src/a.py", "severity": "error", "message": "bad", "rule": "reportX", "range": {"start": {"line": 2, "character": 0}}},
    {"file": "/repo/src/a.py", "severity": "information", "message": "fyi"}]}  # fmt: skip
PHPSTAN = {"files": {"/repo/a.php": {"messages": [{"message": "Undefined $x", "line": 3, "identifier": "variable.undefined"}]}}, "errors": []}  # fmt: skip
PHPCS = {"files": {"/repo/a.php": {"messages": [
    {"message": "Spaces", "source": "Generic.Tabs", "type": "ERROR", "line": 3, "column": 1}]}}}  # fmt: skip
RUBOCOP = {"files": [{"path": "a.rb", "offenses": [
    {"cop_name": "Style/X", "message": "Prefer", "severity": "convention", "location": {"start_line": 2, "start_column": 1}}]}]}  # fmt: skip
REPORTS = [
    ("python -m ruff check .", RUFF, [("lint", "src/a.py:1", "F401", 0), ("build", "src/a.py:4", "invalid-syntax", 2)]),
    ("python -m mypy .", MYPY, [("lint", "src/a.py:3", "return-value", 0)]),
    ("npx --no-install eslint .", ESLINT, [("lint", "src/a.ts:2", "no-undef", 0), ("warning", "src/a.ts:3", "eqeqeq", 0), ("build", "src/a.ts:9", "", 2)]),
    ("pyright", PYRIGHT, [("lint", "src/a.py:3", "reportX", 0)]),
    ("vendor/bin/phpstan analyse", PHPSTAN, [("lint", "a.php:3", "variable.undefined", 0)]),
    ("vendor/bin/phpcs", PHPCS, [("lint", "a.php:3", "Generic.Tabs", 0)]),
    ("bundle exec rubocop", RUBOCOP, [("lint", "a.rb:2", "Style/X", 0)]),
]  # fmt: skip


@pytest.mark.parametrize(("command", "report", "expected"), REPORTS)
def test_a_checkers_json_is_read_also_behind_a_banner(command: str, report: object, expected: list[object]) -> None:
    found = seen(command, f"\n> shop@1.0 lint\n> x\n\n{json.dumps(report)}\n").found

    assert [(one.trouble.value, one.place, one.code, one.hides) for one in found] == expected


@pytest.mark.parametrize("command", [command for command, _, _ in REPORTS])
def test_another_shape_is_unreadable_and_never_nothing(command: str) -> None:
    for text in ("", "Segmentation fault", "[1, 2]", '{"files": 3}', "[" * 5000):
        with pytest.raises(Unreadable):
            seen(command, text)


JUNIT = """<?xml version="1.0"?><testsuites><testsuite name="pytest">
<testcase classname="tests.test_a" name="test_ok" file="tests/test_a.py" line="1"/>
<testcase classname="tests.test_a" name="test_sum" file="tests/test_a.py" line="4"><failure message="assert 1 == 2">
tests/test_a.py:7: in test_sum
src/a.py:3: AssertionError
tests/test_a.py:9: AssertionError</failure></testcase>
<testcase classname="tests.test_a" name="test_later"><skipped/></testcase>
<testcase classname="" name="tests.test_a"><error message="collection failure">E   ModuleNotFoundError: No module named 'x'</error></testcase>
</testsuite></testsuites>"""


def test_a_junit_report_says_which_tests_failed_which_could_not_be_loaded_and_how_many_ran() -> None:
    found = seen("python -m pytest -q", report=JUNIT, trouble=Trouble.TEST)

    assert found.ran == 2
    assert [(one.name, *told(one)[:2], one.message, one.hides) for one in found.found] == [
        ("tests.test_a::test_sum", "test", "src/a.py:3", "assert 1 == 2", 0),
        ("tests.test_a", "crash", "tests/test_a.py", "ModuleNotFoundError: No module named 'x'", 1),
    ]


def test_nested_suites_and_stacks_of_scripts_are_read() -> None:
    stack = "at f (/repo/node_modules/x.js:1:1)\n at g (file:///repo/test/a.test.js:5:9)"
    text = f'<?xml version="1.0"?><testsuites><testsuite name="cart"><testcase name="counts" classname="test"><failure message="1 == 2">{stack}</failure></testcase></testsuite></testsuites>'

    (one,) = seen("node --test", report=text, trouble=Trouble.TEST).found

    assert (one.name, one.place) == ("cart::counts", "test/a.test.js:5")


RAISED = """self = <test_a.T>

    def test_sum():
>       assert total([1]) == 1

tests/test_a.py:9:
_ _ _ _
src/a.py:3: in total
    return part(items)
src/a.py:7: in part
    raise ValueError("src/a.ts:1")
E   ValueError: src/a.ts:1
"""
NOT_LOADED = """ImportError while importing test module '/repo/tests/test_a.py'.
tests/test_a.py:1: in <module>
    from a import total
E     File "/repo/src/a.py", line 5
E       def total(
E   SyntaxError: '(' was never closed
"""
STACK = "Error: no\n    at part (file:///repo/src/a.ts:7:9)\n    at /repo/src/a.c:3:1\n    at /repo/test/a.test.js:5:9"


@pytest.mark.parametrize(
    ("command", "text", "place"),
    [
        ("python -m pytest -q", RAISED, "src/a.py:7"),
        ("python -m pytest -q", NOT_LOADED, "src/a.py:5"),
        ("node --test", STACK, "src/a.ts:7"),
        ("python -m pytest -q", "tests/test_a.py:9: AssertionError", "tests/test_a.py:9"),
    ],
)
def test_what_is_blamed_is_the_innermost_frame_in_the_projects_own_code(command: str, text: str, place: str) -> None:
    escaped = text.replace("<", "&lt;").replace('"', "&quot;")
    report = f'<testsuite><testcase name="sums" file="tests/test_a.py"><failure message="no">{escaped}</failure></testcase></testsuite>'

    (one,) = seen(command, report=report, trouble=Trouble.TEST).found

    assert one.place == place
    assert one.path == "tests/test_a.py"


def test_unittest_is_read_test_by_test() -> None:
    line, dash = "=" * 70, "-" * 70
    printed = f"""F.E
{line}
ERROR: test_a (unittest.loader._FailedTest.test_a)
{dash}
ImportError: Failed to import test module: test_a
Traceback (most recent call last):
  File "/repo/tests/test_a.py", line 1, in <module>
    from a import total
  File "/repo/src/a.py", line 2, in <module>
    import nothing
ModuleNotFoundError: No module named 'nothing'

{line}
FAIL: test_sum (tests.test_a.Sums.test_sum)
It adds.
{dash}
Traceback (most recent call last):
  File "/repo/tests/test_a.py", line 9, in test_sum
    self.assertEqual(1, 2)
AssertionError: 1 != 2

{dash}
Ran 4 tests in 0.001s

FAILED (failures=1, errors=1, skipped=1)
"""

    found = seen("python3 -m unittest", stderr=printed, trouble=Trouble.TEST)

    assert found.ran == 2
    assert [(one.name, *told(one)[:2], one.message) for one in found.found] == [
        ("test_a", "crash", "src/a.py:2", "ModuleNotFoundError: No module named 'nothing'"),
        ("tests.test_a.Sums.test_sum", "test", "tests/test_a.py:9", "AssertionError: 1 != 2"),
    ]


BOMB = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><testsuites><testcase name="&b;"/></testsuites>'
FILE = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><testsuites><testcase name="&a;"/></testsuites>'


@pytest.mark.parametrize("text", [BOMB, FILE, "<testsuite>" * 100, "<testsuite><testcase", "no XML", ""])
def test_a_report_that_is_a_trap_or_broken_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        seen("python -m pytest -q", report=text, trouble=Trouble.TEST)


def test_sarif_is_read_whoever_prints_it() -> None:
    log = {
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "scan", "rules": [{"id": "R1", "defaultConfiguration": {"level": "error"}}]}},
                "results": [
                    {"ruleId": "R1", "message": {"text": "bad"}, "locations": [{"physicalLocation": {"artifactLocation": {"uri": "file:///repo/src/a.py"}, "region": {"startLine": 3, "startColumn": 1}}}]},
                    {"ruleId": "R2", "level": "note", "message": {"text": "fyi"}},
                    {"ruleId": "R1", "message": {"text": "known"}, "suppressions": [{"kind": "external"}]},
                ],
            }
        ],
    }  # fmt: skip

    (one,) = plain(json.dumps(log), Trouble.LINT).found

    assert (one.tool, *told(one)) == ("scan", "lint", "src/a.py:3", "R1", "bad", 0)


def test_cargo_tells_errors_lints_warnings_and_failed_tests() -> None:
    def message(level: str, code: str) -> str:
        span = {"file_name": "src/lib.rs", "line_start": 3, "column_start": 1, "is_primary": True}
        body = {"level": level, "message": "m", "code": {"code": code} if code else None, "spans": [span]}
        return json.dumps({"reason": "compiler-message", "message": body})

    lines = [message("error", "E0308"), message("error", "E0502"), message("error", ""), message("warning", "unused"), message("warning", "clippy::x")]  # fmt: skip
    tests = "test t::adds ... FAILED\ntest t::fine ... ok\n\n---- t::adds stdout ----\n\nthread 't::adds' panicked at src/lib.rs:12:9:\nassertion failed\n\ntest result: FAILED. 1 passed; 1 failed; 0 ignored;\n"
    found = seen("cargo test", "\n".join([*lines, tests]), Trouble.TEST)

    assert [(one.trouble.value, one.code, one.hides) for one in found.found[:5]] == [
        ("build", "E0308", 2), ("build", "E0502", 1), ("build", "", 2), ("warning", "unused", 0), ("lint", "clippy::x", 0),
    ]  # fmt: skip
    assert [(one.name, one.place, one.message) for one in found.found[5:]] == [
        ("t::adds", "src/lib.rs:12", "assertion failed")
    ]
    assert found.ran == 2


def test_of_go_the_innermost_failing_test_counts() -> None:
    def row(action: str, test: str, output: str = "") -> str:
        return json.dumps({"Action": action, "Package": "example.org/calc/sub", "Test": test, "Output": output})

    lines = [
        row("output", "TestA/x", "    a_test.go:7: no\n"),
        row("fail", "TestA/x"),
        row("fail", "TestA"),
        row("pass", "TestB"),
    ]
    found = seen("go test ./...", "\n".join(lines), Trouble.TEST)

    assert [(one.name, one.place, one.message) for one in found.found] == [
        ("example.org/calc/sub.TestA/x", "sub/a_test.go:7", "no")
    ]
    assert found.ran == 3


def test_any_test_command_may_speak_tap() -> None:
    found = plain("1..3\nok 1 - adds\nnot ok 2 - takes\nnot ok 3 - later # TODO\nok 4 # SKIP\n", Trouble.TEST)

    assert [(one.name, one.trouble) for one in found.found] == [("takes", Trouble.TEST)]
    assert found.ran == 3


def finding(line: int = 1, message: str = "unused", **more: object) -> Diagnostic:
    fields: dict[str, Any] = {"tool": "ruff", "path": "src/a.py", "code": "F401", "trouble": "lint", **more}
    return Diagnostic(line=line, message=message, **{**fields, "trouble": Trouble(fields["trouble"])})


def texts(*lines: str) -> Callable[[str, int], str]:
    return lambda path, line: lines[line - 1] if 0 < line <= len(lines) else ""


def test_an_identity_stays_when_lines_move_and_changes_when_the_line_does() -> None:
    (before,) = identified([finding(1)], texts("import os"))
    (moved,) = identified([finding(3, "unused")], texts("", "", "    import os"))
    (other,) = identified([finding(1)], texts("import sys"))

    assert before.id == moved.id != other.id


def test_numbers_in_a_message_do_not_make_another_error() -> None:
    (short,) = identified([finding(1, "too long (121 > 120)")], texts("x"))
    (long,) = identified([finding(1, "too long (130 > 120)")], texts("x"))

    assert short.id == long.id


def test_equal_errors_are_told_apart_by_their_order() -> None:
    one, two = identified([finding(2), finding(1)], texts("import os", "import os"))

    assert (one.line, two.line) == (1, 2)
    assert one.id != two.id


def test_two_tools_that_say_the_same_say_one_thing_by_the_more_urgent_word() -> None:
    (one,) = identified([finding(trouble="warning", tool="clippy"), finding(trouble="build", tool="cargo")], texts())

    assert one.tool == "cargo"


def test_the_order_of_work_is_that_of_what_blocks_most() -> None:
    kinds = ["warning", "lint", "test", "type", "crash", "build"]
    bugs = [finding(9, "m", trouble="bug", severity=word, name=word) for word in ("low", "high")]
    found = identified([*(finding(n, "m", trouble=kind) for n, kind in enumerate(kinds, 1)), *bugs], texts())

    assert [one.name or one.trouble.value for one in found] == [
        "build", "crash", "high", "type", "test", "low", "lint", "warning",
    ]  # fmt: skip


def test_what_hides_others_outweighs_them() -> None:
    assert points([finding(hides=depth) for depth in range(4)]) == 1 + 10_000 + 10_000**2 + 10_000**3


def test_a_count_is_read_as_it_was_written_and_nothing_else_is() -> None:
    tally = tallied(identified([finding(1), finding(2)], texts("a", "b")), 3, ("make lint",))

    assert read_tally(written(tally)) == tally
    assert written(tally).splitlines()[0] == "METRIC errors=2"
    assert read_tally("METRIC errors=0\n") is None
    assert read_tally('METRIC errors=0\nDIAGNOSTICS {"count": -}\n') is None


COMMANDS = [
    ("python -m pytest -q", "", "pytest", "python -m pytest -p no:cacheprovider --continue-on-collection-errors"),
    ("uv run ruff check .", "", "ruff", "uv run ruff check --no-cache --output-format json ."),
    ("go vet ./...", "", "go vet", "go vet -json ./..."),
    ("cargo clippy --all-targets -- -D warnings", "", "clippy", "cargo clippy --message-format=json --all-targets -- -D"),
    ("npm run lint", "eslint src --ext ts", "eslint", "npm run lint -- --format json"),
    ("pnpm run test", "vitest run", "vitest", "pnpm run test --reporter=junit"),
    ("npm run lint", "eslint . || true", "", "npm run lint"),
    ("npm run test", "tsc && jest", "jest", "npm run test -- --json"),
    ("make pytest-report", "", "", "make pytest-report"),
    ("cd web && npm run lint", "eslint .", "eslint", "cd web && npm run lint -- --format json"),
    ("vendor/bin/phpunit", "", "phpunit", "vendor/bin/phpunit --log-junit"),
]  # fmt: skip


@pytest.mark.parametrize(("command", "script", "tool", "asked"), COMMANDS)
def test_a_tool_is_told_from_its_command_and_asked_for_what_a_machine_reads(
    command: str, script: str, tool: str, asked: str
) -> None:
    form: ToolForm = form_of(command, script)

    assert (form.tool, known(form)) == (tool, bool(tool))
    assert form.with_flags(command).startswith(asked)


INSPECTION = Inspection(
    (
        Detection(Trouble.BUILD, "make -B"),
        Detection(Trouble.TEST, "npm run test", "jest --ci"),
        Detection(Trouble.LINT, "cd 'a b' && ruff check ."),
    ),
    (Bug("high", "it's $(broken)", "src/a.py:3", "! grep -q 'x' src/a.py"),),
    tests=3,
    only=(Trouble.TEST,),
    scope=("src/**", "!src/b"),
    name="failing",
)


def test_a_count_is_one_command_line_that_means_exactly_itself() -> None:
    typed = INSPECTION.command_line("/usr/bin/python3", "/opt/count_errors.py")

    assert inspection_of(typed, "/usr/bin/python3", "/opt/count_errors.py") == INSPECTION
    for bent in (
        f"{typed}; x",
        f"x && {typed}",
        f"{typed} --lint x",
        typed.replace("-I ", ""),
        f"{typed} > y",
        f" {typed}",
    ):
        found = inspection_of(bent, "/usr/bin/python3", "/opt/count_errors.py")
        assert found is None or set(found.commands) != set(INSPECTION.commands), bent
    assert inspection_of(typed, "/usr/bin/python3", "/tmp/count_errors.py") is None


def test_what_steers_the_counted_commands_is_part_of_the_ruler() -> None:
    typed = Inspection((Detection(Trouble.TEST, "python -m pytest -q"), Detection(Trouble.BUILD, "make -B")))
    command = typed.command_line("/usr/bin/python3", "/opt/count_errors.py")

    assert {"pytest", "make"} <= tools(command)
    assert {"conftest.py", "pytest.ini", "Makefile"} <= set(implied((command,), ("src/**",)))


def test_who_counts_does_not_wait_for_what_only_the_server_needs() -> None:
    asked = "import sys, autoresearch_mcp.tools.diagnostics.counting; sys.exit('pydantic' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", asked], check=False).returncode == 0
