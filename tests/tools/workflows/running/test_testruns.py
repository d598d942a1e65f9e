"""Reports of test runs, as the tools really write them (pytest 9, Node 20, Go, Cargo, Jest, RSpec, CTest)."""

from __future__ import annotations

import json

import pytest

from autoresearch_mcp.tools.workflows.running.testruns import CaseOutcome, ReportForm, read_tests, reporting

PYTEST = """<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite name="pytest" errors="1" failures="1"
skipped="2" tests="5" time="0.033"><testcase classname="tests.test_a" name="test_ok" file="tests/test_a.py" line="1" time="0.000" />
<testcase classname="tests.test_a" name="test_bad" file="tests/test_a.py" line="2"><failure message="assert 1 == 2">&gt; def</failure></testcase>
<testcase classname="tests.test_a" name="test_p[a b]" file="tests/test_a.py" line="3" />
<testcase classname="tests.test_a" name="test_s" file="tests/test_a.py" line="5"><skipped type="pytest.skip" message="no"/></testcase>
<testcase classname="tests.test_a.TestC" name="test_m" file="tests/test_a.py" line="10" />
<testcase classname="" name="tests.test_b" file="tests/test_b.py"><error message="collection failure">ImportError</error></testcase>
</testsuite></testsuites>"""
NODE = """TAP version 13
# Subtest: adds
ok 1 - adds
  ---
  duration_ms: 0.77874
  ...
# Subtest: outer
    # Subtest: inner ok
    ok 1 - inner ok
      ---
      duration_ms: 0.100981
      ...
    # Subtest: inner bad
    not ok 2 - inner bad
      ---
      error: '1 == 2'
      ...
    1..2
not ok 2 - outer
  ---
  failureType: 'subtestsFailed'
  ...
# Subtest: skipped
ok 3 - skipped # SKIP
# Subtest: todo
not ok 4 - todo # TODO later
# Subtest: test/b.test.js
not ok 5 - test/b.test.js
  ---
  exitCode: 1
  ...
# Subtest: adds
ok 6 - adds
1..6
"""
GO = """{"Action":"run","Package":"x/a","Test":"TestOk"}
{"Action":"output","Package":"x/a","Test":"TestOk","Output":"--- FAIL: not really"}
{"Action":"pass","Package":"x/a","Test":"TestOk","Elapsed":0}
{"Action":"fail","Package":"x/a","Test":"TestBad/sub_one","Elapsed":0}
{"Action":"fail","Package":"x/a","Test":"TestBad","Elapsed":0}
{"Action":"skip","Package":"x/a","Test":"TestSkip","Elapsed":0}
{"Action":"fail","Package":"x/a","Elapsed":0.002}
FAIL\tx/b [build failed]
{"Action":"fail","Package":"x/c","Elapsed":0}
"""
CARGO = """   Compiling x v0.1.0
     Running unittests src/lib.rs (target/debug/deps/x-b885370c02d1f6ea)

running 3 tests
test tests::ig ... ignored
test tests::ok ... ok
test tests::bad ... FAILED
test tests::sp - should panic ... ok

test result: FAILED. 2 passed; 1 failed
   Doc-tests x

test src/lib.rs - f (line 1) ... ok
"""
JEST = json.dumps(
    {
        "testResults": [
            {
                "name": "src/a.test.js",
                "status": "failed",
                "assertionResults": [
                    {"ancestorTitles": ["cart"], "title": "adds", "status": "passed"},
                    {"ancestorTitles": ["cart"], "title": "halves", "status": "failed", "failureMessages": ["no"], "location": {"line": 7}},
                    {"ancestorTitles": [], "title": "later", "status": "pending"},
                ],
            },
            {"name": "src/b.test.js", "status": "failed", "message": "SyntaxError", "assertionResults": []},
        ]
    }
)  # fmt: skip
RSPEC = json.dumps(
    {
        "examples": [
            {"full_description": "Cart adds", "status": "passed", "file_path": "./spec/a_spec.rb", "line_number": 3},
            {"full_description": "Cart halves", "status": "failed", "file_path": "./spec/a_spec.rb", "line_number": 9, "exception": {"message": "no"}},
            {"full_description": "Cart waits", "status": "pending", "file_path": "./spec/a_spec.rb", "line_number": 12},
        ]
    }
)  # fmt: skip
CTEST = """<testsuite name="x" tests="2"><testcase name="fast" classname="fast" status="run"/>
<testcase name="slow" classname="slow" status="fail"><failure message=""/></testcase>
<testcase name="off" classname="off" status="disabled"/></testsuite>"""

PASSED, FAILED, SKIPPED = CaseOutcome


@pytest.mark.parametrize(
    ("form", "text", "outcome", "broken"),
    [
        (
            ReportForm.JUNIT,
            PYTEST,
            {
                "tests.test_a::test_ok": PASSED, "tests.test_a::test_bad": FAILED, "tests.test_a::test_p[a b]": PASSED,
                "tests.test_a::test_s": SKIPPED, "tests.test_a.TestC::test_m": PASSED, "tests.test_b": FAILED,
            },
            ["tests.test_b"],
        ),
        (
            ReportForm.TAP,
            NODE,
            {
                "adds": PASSED, "outer::inner ok": PASSED, "outer::inner bad": FAILED, "skipped": SKIPPED, "todo": SKIPPED,
                "test/b.test.js": FAILED, "adds #2": PASSED,
            },
            ["test/b.test.js"],
        ),
        (
            ReportForm.GO,
            GO,
            {
                "x/a::TestOk": PASSED, "x/a::TestBad/sub_one": FAILED, "x/a::TestBad": FAILED, "x/a::TestSkip": SKIPPED,
                "x/b": FAILED, "x/c": FAILED,
            },
            ["x/c", "x/b"],
        ),
        (
            ReportForm.CARGO,
            CARGO,
            {
                "src/lib.rs::tests::ig": SKIPPED, "src/lib.rs::tests::ok": PASSED, "src/lib.rs::tests::bad": FAILED,
                "src/lib.rs::tests::sp": PASSED, "doc x::src/lib.rs - f (line 1)": PASSED,
            },
            [],
        ),
        (
            ReportForm.JEST,
            JEST,
            {
                "src/a.test.js::cart > adds": PASSED, "src/a.test.js::cart > halves": FAILED, "src/a.test.js::later": SKIPPED,
                "src/b.test.js": FAILED,
            },
            ["src/b.test.js"],
        ),
        (
            ReportForm.RSPEC,
            RSPEC,
            {
                "spec/a_spec.rb::Cart adds": PASSED, "spec/a_spec.rb::Cart halves": FAILED, "spec/a_spec.rb::Cart waits": SKIPPED,
            },
            [],
        ),
        (ReportForm.JUNIT, CTEST, {"fast::fast": PASSED, "slow::slow": FAILED, "off::off": SKIPPED}, []),
    ],
)  # fmt: skip
def test_a_report_tells_how_each_test_fared(
    form: ReportForm, text: str, outcome: dict[str, CaseOutcome], broken: list[str]
) -> None:
    found = read_tests(form, text)

    assert found is not None
    assert {test.id: test.outcome for test in found.values()} == outcome
    assert [test.id for test in found.values() if test.broken] == broken


def test_a_failure_comes_with_its_place_and_message() -> None:
    found = read_tests(ReportForm.JUNIT, PYTEST)

    assert found is not None
    bad = found["tests.test_a::test_bad"]
    assert (bad.path, bad.line, bad.message) == ("tests/test_a.py", 3, "assert 1 == 2")


@pytest.mark.parametrize(
    ("form", "text"),
    [
        (ReportForm.JUNIT, '<?xml version="1.0"?><!DOCTYPE t [<!ENTITY a "aaaa">]><testsuite><testcase name="&a;"/></testsuite>'),
        (ReportForm.JUNIT, '<!DOCTYPE t SYSTEM "file:///etc/passwd"><testsuite><testcase name="a"/></testsuite>'),
        (ReportForm.JUNIT, "<testsuite><testcase name='a'/>"),
        (ReportForm.JUNIT, "<testsuite/>"),
        (ReportForm.JEST, '{"testResults": 3}'),
        (ReportForm.JEST, "[" * 100_000),
        (ReportForm.GO, "{not json}\n"),
        (ReportForm.TAP, "hello\n"),
        (ReportForm.CARGO, "error: could not compile\n"),
        (ReportForm.RSPEC, "{}"),
        (ReportForm.JUNIT, ""),
        (ReportForm.NONE, PYTEST),
    ],
)  # fmt: skip
def test_what_is_no_report_tells_nothing(form: ReportForm, text: str) -> None:
    assert read_tests(form, text) is None


def test_control_characters_and_endless_names_do_not_get_through() -> None:
    found = read_tests(ReportForm.TAP, f"ok 1 - a\x1b[31mred\nok 2 - {'x' * 1000}\n")

    assert found is not None
    assert [len(name) for name in found] == [len("a [31mred"), 400]


@pytest.mark.parametrize(
    ("command", "made", "form", "chooses"),
    [
        ("python -m pytest -q", 'python -m pytest -o junit_family=xunit1 --junitxml="$AUTORESEARCH_RESULTS" $AUTORESEARCH_TESTS -q', ReportForm.JUNIT, True),
        ("uv run pytest -p no:cacheprovider", 'uv run pytest -o junit_family=xunit1 --junitxml="$AUTORESEARCH_RESULTS" $AUTORESEARCH_TESTS -p no:cacheprovider', ReportForm.JUNIT, True),
        (".venv/bin/pytest tests/unit", '.venv/bin/pytest -o junit_family=xunit1 --junitxml="$AUTORESEARCH_RESULTS" $AUTORESEARCH_TESTS tests/unit', ReportForm.JUNIT, False),
        ("npx --no-install jest", 'npx --no-install jest --json --outputFile="$AUTORESEARCH_RESULTS"', ReportForm.JEST, False),
        ("pnpm exec vitest run", 'pnpm exec vitest run --reporter=json --outputFile="$AUTORESEARCH_RESULTS"', ReportForm.JEST, False),
        ("go test ./...", 'go test -json -count=1 ./... > "$AUTORESEARCH_RESULTS"', ReportForm.GO, False),
        ("cargo test --workspace", 'cargo test --no-fail-fast --workspace > "$AUTORESEARCH_RESULTS" 2>&1', ReportForm.CARGO, False),
        ("cd web && node --test", 'cd web && node --test --test-reporter=tap --test-reporter-destination="$AUTORESEARCH_RESULTS"', ReportForm.TAP, False),
        ("bundle exec rspec", 'bundle exec rspec --format json --out "$AUTORESEARCH_RESULTS"', ReportForm.RSPEC, False),
        ("make b && ctest --test-dir b", 'make b && ctest --output-junit "$AUTORESEARCH_RESULTS" --test-dir b', ReportForm.JUNIT, False),
        ("pytest -q | tee out", "pytest -q | tee out", ReportForm.NONE, False),
        ("pytest --junitxml=a.xml", "pytest --junitxml=a.xml", ReportForm.NONE, False),
        ("pip install pytest && pytest", "pip install pytest && pytest", ReportForm.NONE, False),
        ("npm test", "npm test", ReportForm.NONE, False),
        ("make jestful", "make jestful", ReportForm.NONE, False),
    ],
)  # fmt: skip
def test_a_known_runner_is_told_to_report(command: str, made: str, form: ReportForm, chooses: bool) -> None:
    found = reporting(command)

    assert (found.command, found.form, found.chooses) == (made, form, chooses)
