from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.plan.checks import load_plan, problems
from autoresearch_mcp.tools.plan.metrics import Reading, read_metric
from autoresearch_mcp.tools.plan.model import Plan, parse_guard_metric
from autoresearch_mcp.tools.project import recipes
from autoresearch_mcp.tools.project.candidates import Candidate, Proposals, in_scope, propose, scope_warnings
from autoresearch_mcp.tools.project.folders import CommandKind
from autoresearch_mcp.tools.project.projects import recognise
from autoresearch_mcp.tools.project.scan import recognised
from autoresearch_mcp.tools.verbs.planning import Planning

PYTHON = {
    "pyproject.toml": "[project]\nname = 'shop'\nversion = '1'\n[dependency-groups]\ndev = ['pytest', 'pytest-cov', 'ruff', 'mypy']\n",
    "shop.py": "import os\n\n\ndef price(n: int) -> str:\n    return n + 1\n\n\nprice(None)\n",
    "main.py": "print('hello')\n",
    "tests/test_shop.py": "def test_one():\n    assert 1 + 1 == 2\n\n\ndef test_more():\n    assert 2 + 1 == 3\n",
}
NODE = {
    "package.json": json.dumps({"scripts": {"test": "node --test", "build": "node build.js --outdir=out"}}),
    "lib/add.js": "exports.add = (a, b) => a + b;\n",
    "build.js": "const fs = require('fs');\nfs.mkdirSync('out');\nfs.writeFileSync('out/app.js', 'x'.repeat(321));\n"
    "fs.writeFileSync('out/app.js.map', 'map');\n",
    "main.js": "console.log('12,345 things in 3 s');\n",
    "test/add.test.js": "const test = require('node:test'); const { add } = require('../lib/add.js');\n"
    "test('adds', () => require('assert').equal(add(1, 2), 3));\n",
}
C = {
    "Makefile": "TARGET = app\napp: main.c\n\tgcc -Wall main.c -o app\n\ntest: app\n\t./app\n",
    "main.c": '#include <stdio.h>\n\nint main(void) { int unused; puts("7 of 9"); return 0; }\n',
}
DOCS = {
    "README.md": "# Title\n\nThe cat sat on the mat. The dog ran.\n\n```\nextraordinarily(incomprehensible)\n```\n",
    "docs/guide.md": "- One [small](https://example.org/very-long-address) list\n- Another `code` item\n",
}

RUSTUP_HOME = os.environ.get("RUSTUP_HOME", str(Path.home() / ".rustup"))
"""Read before a fixture hides the real home, where rustup's `cargo` looks for its toolchain."""


def repository(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    subprocess.run(["git", "add", "--", *files], cwd=folder, check=True)
    return folder


def proposed(files: Mapping[str, str], goal: str, limit: int = 100) -> Proposals:
    return propose(recognise(tuple(files), files), goal, tuple(files), limit)


def plans(files: Mapping[str, str], goal: str = "") -> list[Candidate]:
    return list(proposed(files, goal).candidates)


def candidate(files: Mapping[str, str], metric: str) -> Candidate:
    return next(found for found in plans(files) if found.plan["metric"] == metric)


def plan(files: Mapping[str, str], metric: str) -> Plan:
    return Plan.model_validate(candidate(files, metric).plan)


def shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-c", command],
        check=False,
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONDONTWRITEBYTECODE": "1", "RUSTUP_HOME": RUSTUP_HOME},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )


def measure(found: Plan, folder: Path) -> Reading:
    ran = shell(found.verify, folder)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return read_metric(ran.stdout, found.read, found.metric, found.unit)


def moved(files: Mapping[str, str], folder: str) -> dict[str, str]:
    return {f"{folder}/{name}": text for name, text in files.items()}


MIXED = {
    **PYTHON,
    **moved(NODE, "web"),
    **moved(C, "native"),
    **DOCS,
    "core/go.mod": "",
    "core/a.go": "",
    "core/a_test.go": "",
}


CONDITIONS = (
    "; the tests must stay green",
    ". All tests must pass.",
    ", keep the tests green",
    " and keep the test suite passing",
    ". Tests must keep passing.",
    ". All 692 tests should continue to pass",
    ". Make sure the test suite still passes.",
    " without breaking the tests",
    " without breaking the tests, the types or the lint",
    " w/o breaking tests",
    ", don\u2019t break the tests",
    " and do not change the tests",
    "; no test may fail",
    ", no failing tests",
    ". Tests first.",
    " - tests stay green - please",
    " (the tests, all of them, must stay green)",
    " with every test passing",
    " as long as pytest is green",
    " subject to the tests passing",
    " so that the tests stay green",
    ", tests/test_shop.py is the judge",
    ", same results, tests green",
    ". The only condition: tests.",
    "; run the tests after each change",
)


@pytest.mark.parametrize(
    ("goal", "title"),
    [
        ("make the tests faster", "Faster tests"),
        ("raise coverage", "Higher test coverage"),
        ("more of the code should be covered by tests", "Higher test coverage"),
        ("smaller bundle", "Smaller bundle in web"),
        ("Reduce the JS bundle size", "Smaller bundle in web"),
        ("fewer type errors", "Fewer type errors"),
        ("lint", "Fewer lint findings"),
        ("better code", "Fewer lint findings"),
        ("fix all ruff complaints", "Fewer lint findings"),
        ("readability of the docs", "More readable text"),
        ("shorter docs", "Shorter text"),
        ("reduce lines of code", "Fewer lines of code"),
        ("simplify the code in native", "Fewer lines of code in native"),
        ("speed up the go benchmarks", "Faster benchmarks in core"),
        *((f"make it faster{condition}", "Faster benchmarks in core") for condition in CONDITIONS),
        ("Keeping the tests green, make it faster", "Faster benchmarks in core"),
        ("The tests, types and lint must stay green; make it faster", "Faster benchmarks in core"),
        ("Could you make it faster while all tests keep passing?", "Faster benchmarks in core"),
        ("I want it faster and the tests to stay green", "Faster benchmarks in core"),
        ("Smaller bundle; the tests must stay green", "Smaller bundle in web"),
        ("fewer type errors, all tests pass", "Fewer type errors"),
        ("raise coverage; all existing tests must pass", "Higher test coverage"),
        ("make the tests faster, but keep them green", "Faster tests"),
        ("the tests must run faster", "Faster tests"),
        ("keep making the tests faster", "Faster tests"),
        ("the test suite takes too long; make it faster", "Faster tests"),
        ("make the tests faster without deleting any", "Faster tests"),
        ("get all tests to pass", "More passing tests"),
        ("get the tests green and keep them green", "More passing tests"),
        ("make sure all tests pass", "More passing tests"),
        ("All tests must pass.", "More passing tests"),
        ("two tests are red; make the tests green", "More passing tests"),
        ("fix the remaining lint errors", "Fewer lint findings"),
        ("get rid of compiler warnings", "Fewer compiler warnings in native"),
        ("a smaller binary", "Smaller program in native"),
        ("fix the failing tests", "More passing tests"),
        ("faster builds", "Faster build in web"),
        ("a smaller wheel", "Smaller package"),
        ("raise the type coverage", "Fewer type errors"),
    ],
)
def test_the_goals_words_choose_the_first_plan(goal: str, title: str) -> None:
    assert plans(MIXED, goal)[0].title == title


@pytest.mark.parametrize(
    ("goal", "guards"),
    [
        ("shorter docs", []),
        ("smaller wheel; keep the tests green and mypy happy", ["python -m pytest -q", "python -m mypy ."]),
        ("make the tests faster, but keep the tests green", []),
        ("make pricing faster; no new lint findings", ["python -m pytest -q", "python -m ruff check --no-fix ."]),
    ],
)
def test_what_must_stay_green_in_a_goals_words_is_a_guard(goal: str, guards: list[str]) -> None:
    found = proposed(PYTHON | DOCS, goal)
    plans = [*(one.plan for one in found.candidates), *(one.plan for one in found.lacking)]

    assert plans[0].get("guards", []) == guards


PACKAGE = {
    "pyproject.toml": "[project]\nname = 'shop'\nversion = '1'\n",
    "src/shop/__init__.py": "from . import cart\n",
    "src/shop/cart.py": "TWO = 2\n",
}


@pytest.mark.parametrize(
    ("goal", "metric"),
    [
        ("reduce the import time", "import_ms"),
        ("a faster cold start", "import_ms"),
        ("fewer modules at import", "imported_modules"),
        ("lazy imports", "imported_modules"),
    ],
)
def test_what_an_import_costs_is_its_time_or_the_modules_that_it_loads(goal: str, metric: str) -> None:
    assert plans(PACKAGE, goal)[0].plan["metric"] == metric


def test_a_module_that_was_loaded_and_forgotten_again_is_counted(tmp_path: Path) -> None:
    files = {**PACKAGE, "src/shop/__init__.py": "import sys\nfrom . import cart\ndel sys.modules['shop.cart']\n"}

    assert measure(plan(files, "imported_modules"), repository(tmp_path, files)) == Reading(2)


@pytest.mark.parametrize(
    ("goal", "asked", "told"),
    [
        ("less memory", "memory", "benchmarks/goal.py"),
        ("make parsing faster", "speed", "benchmarks/goal.py"),
        ("fewer dependencies", "dependencies", "METRIC dependencies="),
        ("fewer bugs", "bugs", "`debug`"),
        ("better docs", "documents", "`learn`"),
        ("make it frobnicate", "what these words ask for (make it frobnicate)", "METRIC name=value"),
    ],
)
def test_where_nothing_measures_it_the_answer_is_what_to_add(goal: str, asked: str, told: str) -> None:
    found = proposed(PYTHON, goal)

    assert found.candidates == ()
    assert (found.lacking[0].asked, told in found.lacking[0].add) == (asked, True)
    assert "Faster tests" in found.also


def test_a_plan_that_takes_one_tool_more_is_told_with_the_line_that_adds_it() -> None:
    bare = {**PYTHON, "pyproject.toml": "[project]\nname = 'shop'\n[dependency-groups]\ndev = ['pytest']\n"}

    assert proposed(bare, "raise coverage").lacking[0].add.startswith("python -m pip install pytest pytest-cov")
    assert proposed(bare, "fewer type errors").lacking[0].add.startswith("python -m pip install mypy")


@pytest.mark.parametrize("goal", ["fewer lint findings", "fewer type errors", "better code quality"])
def test_what_no_tool_here_counts_is_counted_and_not_timed(goal: str) -> None:
    (found,) = {one.add for one in proposed({"shop.csproj": "", "Shop.cs": ""}, goal).lacking}

    assert "METRIC count=" in found
    assert "wall" not in found


FILLED = {
    "python": (
        {"pyproject.toml": "[project]\nname = 'shop'\n", "shop/__init__.py": "def price(n):\n    return n + 1\n"},
        ("return [draw.randrange(10**9)]", "return shop.price(given)", "return given + 1"),
    ),
    "node": (
        {"package.json": '{"name": "shop"}', "lib/price.cjs": "exports.price = (n) => n + 1;\n"},
        (
            "return [Math.floor(draw() * 1e9)];",
            "return (await import('../lib/price.cjs')).default.price(given);",
            "return given + 1;",
        ),
    ),
}
LACKS = re.compile(r"raise NotImplementedError\(.*\)|throw new Error\(\"(?:an|call|the).*\);")


@pytest.mark.parametrize("goal", ["make pricing faster", "less memory"])
@pytest.mark.parametrize("language", FILLED)
def test_the_script_to_fill_in_measures_right_answers_to_new_inputs_and_is_then_the_plan(
    goal: str, language: str, tmp_path: Path
) -> None:
    files, lines = FILLED[language]
    missing = proposed(files, goal).lacking[0]
    found = Plan.model_validate(missing.plan)
    folder = repository(tmp_path, {**files, missing.file: missing.text})

    assert shell(found.verify, folder).returncode != 0
    left = iter(lines)
    (folder / missing.file).write_text(LACKS.sub(lambda _: next(left), missing.text))
    assert "METRIC seconds=" in shell(found.verify, folder).stdout
    assert problems(found) == ()
    code = list(files)[1]
    assert in_scope(found.scope, found.protected, [*files, missing.file]) == (code,)
    again = proposed({**files, missing.file: ""}, goal)
    assert (again.candidates[0].plan["verify"], again.lacking) == (found.verify, ())

    remembers = {"python": "def price(n, known=[]):\n    known.append(n + 1)\n    return known[0]\n"}
    known = "const known = [];\nexports.price = (n) => (known.push(n + 1), known[0]);\n"
    (folder / code).write_text(remembers.get(language, known))
    assert shell(found.verify, folder).returncode != 0


def test_a_benchmark_lies_outside_of_the_scope_that_it_measures() -> None:
    files = {**PYTHON, "bench.py": "", "benchmarks/bench_price.py": "", "benchmarks/other.py": ""}

    first = plans(files, "make price faster")[0]

    assert str(first.plan["verify"]).endswith(
        "python benchmarks/bench_price.py; }; } 2>&1"
    )  # the one that the goal names
    assert in_scope(first.plan["scope"], first.plan["protected"], tuple(files)) == ("shop.py", "main.py")


def test_a_package_json_that_only_sets_the_kind_of_module_splits_no_project() -> None:
    files = {**NODE, "src/index.js": "", "src/package.json": '{"type": "module"}'}

    assert plans(files, "smaller code")[0].file_count == 3  # lib, main.js and src; what builds is no source


def test_two_documents_that_were_emptied_are_caught_by_a_guard(tmp_path: Path) -> None:
    files = {"README.md": "# Title\n\n" + "A word or two. " * 20, "docs/guide.md": "# Guide\n\n[More](x.md). " * 20}
    folder = repository(tmp_path, files)
    guards = [parse_guard_metric(text) for text in plan(files, "words").guard_metrics]

    before = [read_metric(shell(one.command, folder).stdout, "auto", one.name).value for one in guards]
    for name in files:
        (folder / name).write_text("")
    after = [read_metric(shell(one.command, folder).stdout, "auto", one.name).value for one in guards]

    assert before == [2, 2, 20, 0]
    assert [one.passes(new or 0, old or 0) for one, old, new in zip(guards, before, after, strict=True)] == [
        False,
        False,
        False,
        True,
    ]


def test_fewer_lines_may_not_cost_a_public_name_or_make_lines_long(tmp_path: Path) -> None:
    folder = repository(tmp_path, PYTHON)
    guards = {one.name: one for one in map(parse_guard_metric, plan(PYTHON, "code_lines").guard_metrics)}

    (folder / "shop.py").write_text("price = lambda n: " + "n + " * 40 + "1\n")
    values = {name: read_metric(shell(one.command, folder).stdout, "auto", name).value for name, one in guards.items()}

    assert values == {"long_lines": 1, "public_names": 0}
    assert not guards["long_lines"].passes(1, baseline=0)
    assert not guards["public_names"].passes(0, baseline=1)


def test_faster_tests_change_tests_and_may_lose_none() -> None:
    found = plan(PYTHON, "test_seconds")

    assert found.scope == ("tests/**",)
    assert [text.split(":")[0] for text in found.guard_metrics] == ["passed_tests higher 0", "assertions higher 0"]


def test_tests_measure_the_checkout_below_src_and_no_installed_copy() -> None:
    files = {
        "pyproject.toml": PYTHON["pyproject.toml"],
        "src/shop/__init__.py": "",
        "tests/test_shop.py": "import shop\n",
    }
    told = {**files, "pytest.ini": "[pytest]\npythonpath = src\n"}

    assert "{ PYTHONPATH=src python -m pytest -q; }" in plan(files, "test_seconds").verify
    assert "PYTHONPATH=src python -m pytest -q --cov=." in plan(files, "coverage").verify
    assert "PYTHONPATH" not in plan(told, "test_seconds").verify


def test_a_smaller_npm_package_may_not_be_paid_with_comments_or_tests_of_types(tmp_path: Path) -> None:
    files = {
        "package.json": json.dumps({"name": "adder", "main": "lib/add.js", "scripts": {"test": "tsd"}}),
        "lib/add.js": "/** Adds\n * two numbers. */\n// Quickly.\nexports.add = (a, b) => a + b; // sum\n",
        "test-d/index.ts": "",
        "lib/add.test-d.ts": "",
    }
    folder = repository(tmp_path, files)
    found = plan(files, "package_bytes")
    guard = parse_guard_metric(found.guard_metrics[-1])
    before = shell(guard.command, folder).stdout
    (folder / "lib/add.js").write_text("exports.add = (a, b) => a + b;\n")

    assert in_scope(found.scope, found.protected, tuple(files)) == ("lib/add.js",)
    assert (int(before), int(shell(guard.command, folder).stdout)) == (3, 0)
    assert not guard.passes(0, baseline=3)


@pytest.mark.parametrize(
    ("fields", "more", "wins"),
    [
        ({"main": "lib/add.js"}, {}, True),
        ({"files": ["lib/*.js"]}, {}, True),
        ({"files": ["dist"]}, {}, False),
        ({"main": "dist/add.js"}, {"dist/add.js": ""}, False),
        ({"types": "add.d.ts", "files": ["add.d.ts"]}, {"add.d.ts": ""}, False),
        ({"main": "dist/add.js", "scripts": {"build": "tsc"}}, {}, True),
    ],
)
def test_a_size_that_no_edit_can_lower_is_no_plan_but_what_to_add(
    fields: dict[str, object], more: dict[str, str], wins: bool
) -> None:
    files = {"package.json": json.dumps({"name": "adder", **fields}), "lib/add.js": "exports.add = 1;\n", **more}
    found = proposed(files, "smaller bundle")

    assert [one.title for one in found.candidates] == ["Smaller package"] * wins
    assert [one.add.startswith("npm install --save-dev esbuild, a script") for one in found.lacking] == [True] * (
        not wins
    )


def test_the_order_does_not_depend_on_the_order_of_files() -> None:
    backwards = dict(reversed(MIXED.items()))

    assert [p.title for p in plans(MIXED, "faster")] == [p.title for p in plans(backwards, "faster")]


def test_no_more_plans_are_made_than_asked_for() -> None:
    assert proposed(MIXED, "", 3).candidates == proposed(MIXED, "").candidates[:3]


def test_two_projects_in_one_folder_are_told_apart_by_language() -> None:
    titles = [found.title for found in plans({**PYTHON, **NODE}, "reduce lines of code")]

    assert sorted(titles[:2]) == ["Fewer lines of code (javascript)", "Fewer lines of code (python)"]


def test_every_plan_can_be_sealed_as_it_stands() -> None:
    for found in plans(MIXED):
        loaded = load_plan(found.plan)
        assert isinstance(loaded, Plan), loaded
        assert problems(loaded) == (), found.title


def test_every_command_is_valid_shell(tmp_path: Path) -> None:
    for found in (Plan.model_validate(one.plan) for one in plans(MIXED)):
        commands = [found.verify, *found.guards, *(parse_guard_metric(text).command for text in found.guard_metrics)]
        assert [shell(f"set -n; {command}", tmp_path).stderr for command in commands] == [""] * len(commands)


def test_an_ordinary_plan_changes_sources_and_protects_tests_and_manifests() -> None:
    found = plan(PYTHON, "lint_errors")

    assert found.scope == ("*.py",)
    assert found.protected == ("tests/**", "pyproject.toml")
    assert candidate(PYTHON, "lint_errors").file_count == 2
    assert found.guards == ("python -m pytest -q",)


def test_a_coverage_plan_changes_tests_and_protects_sources() -> None:
    found = plan(PYTHON, "coverage")

    assert found.scope == ("tests/**",)
    assert "*.py" in found.protected
    assert candidate(PYTHON, "coverage").file_count == 1
    assert (found.direction, found.unit, found.guards) == ("higher", "%", ())
    assert found.guard_metrics[0].startswith("assertions higher 0: ")


def test_guards_fit_the_metric() -> None:
    assert plan(PYTHON, "code_lines").guards == ("python -m pytest -q", "python -m mypy .")
    assert plan(PYTHON, "test_seconds").guards == ()
    assert plan(moved(NODE, "web"), "bundle_bytes").guards == ("cd web && npm run test",)


def test_without_a_test_runner_a_plan_has_no_guard_and_says_so() -> None:
    found = candidate({"a.py": ""}, "code_lines")

    assert "guards" not in found.plan
    assert "No test runner was found, so nothing guards the behaviour." in found.warnings


def test_a_large_scope_is_a_warning_and_an_empty_one_no_plan() -> None:
    many = {"pyproject.toml": "", **{f"a/m{number}.py": "" for number in range(51)}}

    assert any(warning.startswith("51 files") for warning in candidate(many, "code_lines").warnings)
    assert proposed({"pyproject.toml": "pytest-cov\npytest", "a.py": ""}, "coverage").candidates == ()


def test_a_scope_that_mixes_tests_and_sources_is_a_warning() -> None:
    projects, files = recognise(tuple(PYTHON), PYTHON), tuple(PYTHON)

    mixed = in_scope(("**/*.py",), ("pyproject.toml",), files)
    unmixed = in_scope(("**/*.py",), ("tests/",), files)

    assert scope_warnings(mixed, projects) == ("Tests and sources are mixed in the scope: 1 of 3 files are tests.",)
    assert scope_warnings(unmixed, projects) == ()
    assert scope_warnings(("tests/test_shop.py",), projects) == ()


def test_only_the_first_of_several_notebooks_is_timed_and_the_plan_says_so() -> None:
    found = candidate({"a.ipynb": "", "b.ipynb": ""}, "seconds")

    assert "--stdout a.ipynb" in found.plan["verify"]
    assert "Only a.ipynb is timed, not the other 1." in found.warnings


def test_a_tracked_bundle_is_a_warning() -> None:
    assert any("out is tracked" in text for text in candidate({**NODE, "out/app.js": ""}, "bundle_bytes").warnings)


@pytest.mark.parametrize(
    ("files", "metric", "value"),
    [
        (PYTHON, "type_errors", 2),
        (NODE, "passed_tests", 1),
        (NODE, "code_lines", 6),
        (C, "compiler_warnings", 1),
        (C, "code_lines", 2),
        (DOCS, "words", 22),
    ],
)
def test_a_count_really_comes_out(files: Mapping[str, str], metric: str, value: float, tmp_path: Path) -> None:
    assert measure(plan(files, metric), repository(tmp_path, files)) == Reading(value)


@pytest.mark.parametrize(
    ("files", "metric"),
    [
        (PYTHON, "test_seconds"),
        (NODE, "build_seconds"),
        (C, "test_seconds"),
        (C, "build_seconds"),
    ],
)
def test_a_time_really_comes_out(files: Mapping[str, str], metric: str, tmp_path: Path) -> None:
    value = measure(plan(files, metric), repository(tmp_path, files)).value

    assert value is not None
    assert 0 <= value < 60


def test_the_size_of_a_program_is_the_size_of_its_file(tmp_path: Path) -> None:
    reading = measure(plan(C, "program_bytes"), repository(tmp_path, C))

    assert reading.value == (tmp_path / "app").stat().st_size


def test_the_reading_grade_counts_prose_and_not_code_headings_or_links(tmp_path: Path) -> None:
    """Fourteen words in four sentences."""
    letters = len("ThecatsatonthematThedogranOnesmalllistAnotheritem")

    reading = measure(plan(DOCS, "reading_grade"), repository(tmp_path, DOCS))

    assert reading.value == pytest.approx(4.71 * letters / 14 + 0.5 * 14 / 4 - 21.43, abs=1e-3)


def test_a_plan_for_a_sub_project_runs_from_the_root(tmp_path: Path) -> None:
    files = moved(PYTHON, "api")
    folder = repository(tmp_path, files)

    values = [measure(plan(files, metric), folder).value for metric in ("lint_errors", "passed_tests", "code_lines")]

    assert values == [1, 2, 5]


def test_a_sub_project_that_is_gone_is_not_measured_elsewhere(tmp_path: Path) -> None:
    verify = plan(moved(PYTHON, "api"), "test_seconds").verify

    assert shell(verify, repository(tmp_path, PYTHON)).returncode != 0


def test_lines_are_not_counted_while_a_tracked_file_is_missing(tmp_path: Path) -> None:
    folder = repository(tmp_path, PYTHON)
    (folder / "main.py").unlink()

    assert shell(plan(PYTHON, "code_lines").verify, folder).returncode != 0


def test_a_bundle_of_a_sub_project_is_measured_from_the_root_without_what_an_earlier_build_left(tmp_path: Path) -> None:
    files = moved(NODE, "web")
    folder = repository(tmp_path, files)
    (folder / "web/out").mkdir()
    (folder / "web/out/app.old.js").write_text("old", encoding="utf-8")

    assert measure(plan(files, "bundle_bytes"), folder).value == 321


def test_clean_code_is_zero_findings(tmp_path: Path) -> None:
    clean = {**PYTHON, "shop.py": "def price(n: int) -> int:\n    return n + 1\n", "tests/test_shop.py": ""}
    folder = repository(tmp_path, clean)

    assert measure(plan(clean, "lint_errors"), folder).value == 0
    assert measure(plan(clean, "type_errors"), folder).value == 0


@pytest.mark.parametrize("metric", ["lint_errors", "type_errors", "passed_tests", "test_seconds", "coverage"])
def test_a_missing_tool_is_an_error_and_not_a_number(metric: str, tmp_path: Path) -> None:
    files = {**PYTHON, "uv.lock": ""}
    verify = plan(files, metric).verify.replace("uv run", "no-such-tool run")

    ran = shell(verify, repository(tmp_path, files))

    assert ran.returncode != 0
    assert "no-such-tool: command not found" in ran.stdout + ran.stderr


@pytest.mark.parametrize("metric", ["lint_errors", "type_errors", "passed_tests"])
def test_a_missing_python_module_is_an_error_and_not_a_number(metric: str, tmp_path: Path) -> None:
    verify = plan(PYTHON, metric).verify.replace("python -m ", "python -m no_such_module_")

    assert shell(verify, repository(tmp_path, PYTHON)).returncode != 0


@pytest.mark.parametrize("metric", ["lint_errors", "type_errors"])
def test_a_file_that_no_longer_parses_is_an_error_and_not_an_improvement(metric: str, tmp_path: Path) -> None:
    broken = {**PYTHON, "shop.py": "def price(:\n"}

    assert shell(plan(PYTHON, metric).verify, repository(tmp_path, broken)).returncode != 0


@pytest.mark.parametrize(
    ("files", "metric", "broken"),
    [
        (NODE, "bundle_bytes", {"build.js": "process.exit(0)"}),
        (NODE, "test_seconds", {"lib/add.js": "exports.add = () => 0;"}),
        (C, "program_bytes", {"main.c": "int main(void) { return 0 }"}),
        (C, "compiler_warnings", {"main.c": "int main(void) { int unused; return 0 }"}),
        (DOCS, "reading_grade", dict.fromkeys(DOCS, "")),
        (DOCS, "words", dict.fromkeys(DOCS, "")),
        (PYTHON, "code_lines", {"shop.py": "", "main.py": ""}),
        (PYTHON, "test_seconds", {"tests/test_shop.py": "def test_one(): assert 1 + 1 == 3"}),
    ],
)
def test_what_broke_has_no_number(
    files: Mapping[str, str], metric: str, broken: Mapping[str, str], tmp_path: Path
) -> None:
    ran = shell(plan(files, metric).verify, repository(tmp_path, {**files, **broken}))

    assert ran.returncode != 0


@pytest.mark.parametrize(("files", "metric"), [(PYTHON, "code_lines"), (C, "program_bytes")])
def test_guards_really_pass(files: Mapping[str, str], metric: str, tmp_path: Path) -> None:
    clean = {**files, "shop.py": "def price(n: int) -> int:\n    return n + 1\n"} if files is PYTHON else files
    folder = repository(tmp_path, clean)

    guards = plan(files, metric).guards
    assert guards
    assert [shell(guard, folder).returncode for guard in guards] == [0] * len(guards)


def test_silencing_a_finding_is_caught_by_a_metric_guard(tmp_path: Path) -> None:
    guard = parse_guard_metric(plan(PYTHON, "lint_errors").guard_metrics[0])
    folder = repository(tmp_path, PYTHON)

    before = read_metric(shell(guard.command, folder).stdout, "auto", guard.name).value
    (folder / "shop.py").write_text("import os  # noqa\n", encoding="utf-8")
    after = read_metric(shell(guard.command, folder).stdout, "auto", guard.name).value

    assert (before, after) == (0, 1)
    assert not guard.passes(1, baseline=0)


@pytest.mark.parametrize(("metric", "value"), [("passed_tests", 1), ("code_lines", 4)])
def test_a_rust_count_really_comes_out(metric: str, value: float, tmp_path: Path) -> None:
    if (asked := shell("cargo --version", tmp_path)).returncode != 0:
        pytest.skip(f"needs a working cargo: {asked.stderr[:200]}")
    files = {
        "Cargo.toml": "[package]\nname = 'calc'\nversion = '0.1.0'\nedition = '2021'\n",
        "src/main.rs": 'fn add(a: i32) -> i32 { a + 1 }\nfn main() { println!("{}", add(1)); }\n'
        "#[test]\nfn adds() { assert_eq!(add(1), 2); }\n",
    }

    assert measure(plan(files, metric), repository(tmp_path, files)).value == value


@pytest.mark.parametrize(
    ("command", "milliseconds"),
    [
        (recipes.nanoseconds(r"printf 'BenchmarkA-2 9 1500000 ns/op\nok x 0.5s\n'", "ms", '$4 == "ns/op"', 3), 1.5),
        (
            recipes.nanoseconds(r"printf 'test a ... bench: 1,250,000 ns/iter (+/- 5)\n'", "ms", "/ bench: /", 5),
            1.25,
        ),
        (
            recipes.hyperfine(r"printf '  Time (mean ± σ):   2.5 s ± 0.1 s\n  Time (mean ± σ): 7 ms ± 1 ms\n'", "ms"),
            2507,
        ),
    ],
)
def test_the_output_of_a_benchmark_is_summed_in_milliseconds(command: str, milliseconds: float, tmp_path: Path) -> None:
    assert read_metric(shell(command, tmp_path).stdout, "line", "ms").value == milliseconds
    nothing = re.sub(r"printf '.*?'", "echo none", command, count=1)
    assert shell(nothing, tmp_path).returncode != 0


def test_a_target_that_calls_hyperfine_is_read_and_not_timed() -> None:
    files = {"Makefile": "app: main.c\n\tgcc main.c -o app\n\nbench: app\n\thyperfine ./app\n", "main.c": ""}

    assert "Time" in str(plans(files, "faster")[0].plan["verify"])


def test_the_size_of_a_package_is_what_npm_would_pack_and_needs_its_entry(tmp_path: Path) -> None:
    manifest = json.dumps({"name": "adder", "version": "1.0.0", "main": "lib/add.js", "files": ["lib"]})
    files = {
        "package.json": manifest,
        "lib/add.js": "exports.add = 1;\n",
        "lib/add.js.map": "map",
        "README.md": "# A\n",
    }
    folder = repository(tmp_path, files)
    verify = plan(files, "package_bytes").verify

    assert read_metric(shell(verify, folder).stdout, "line", "package_bytes").value == len(manifest) + 17
    (folder / "lib/add.js").rename(folder / "lib/plus.js")
    assert shell(verify, folder).returncode != 0


def test_commands_are_typed_as_this_machine_has_their_tools(tmp_path: Path) -> None:
    """A lock file of uv where uv is not installed; an environment that has pytest and no coverage."""
    named = {**PYTHON, "api/pyproject.toml": "[project]\nname = 'api'\n", "api/test_a.py": "", "uv.lock": ""}
    folder = repository(tmp_path, named)
    for module in ("bin/python", "lib/python3.11/site-packages/pytest/__init__.py"):
        (folder / ".venv" / module).parent.mkdir(parents=True, exist_ok=True)
        (folder / ".venv" / module).touch()

    found = recognised(folder, tuple(named))
    offered = propose(found, "raise coverage", tuple(named)).candidates[0]

    commands = {one.root: one.of_kind(CommandKind.TEST)[0] for one in found if one.of_kind(CommandKind.TEST)}
    assert {root: one.text for root, one in commands.items()} == {
        "": ".venv/bin/python -m pytest -q",
        "api": "../.venv/bin/python -m pytest -q",
    }
    assert offered.needs == [".venv/bin/python -m pip install pytest-cov"]
    told = Planning(Lab(folder)).inspect_project()
    assert told.projects[0].commands == {"test": ".venv/bin/python -m pytest -q"}
    assert "what `.venv/bin/python -m pip install pytest-cov` brings" in told.missing_tools
