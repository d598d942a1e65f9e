"""Shell commands that print `METRIC name=value`, and end in an error instead wherever the number would be a lie.

A missing tool, a crash of the tool, a file that no longer parses and an empty result are errors, never 0. Every
command prints what its tool said, for whoever has to find out why.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence


def inside(root: str, command: str) -> str:
    """Make a command of a project's folder one of the repository's root."""
    if not root:
        return command
    compound = re.search(r";|\|\||^\s*[({]", command) is not None
    return f"cd {shlex.quote(root)} && " + (f"{{ {command}; }}" if compound else command)


def counted(command: str, metric: str, pattern: str, broken: str = "") -> str:
    """Count the lines of the output that match. `broken` is what the tool says when it could not look at everything."""
    stop = f"""if printf '%s\\n' "$out" | grep -qE {shlex.quote(broken)}; then exit 1; fi; """ if broken else ""
    return (
        f"""out=$({{ {command}; }} 2>&1); code=$?; printf '%s\\n' "$out"; """
        f"""count=$(printf '%s\\n' "$out" | grep -cE {shlex.quote(pattern)} || true); {stop}"""
        f"""[ "$code" -eq 0 ] || [ "$count" -gt 0 ] || exit "$code"; echo "METRIC {metric}=$count\""""
    )


def summed(command: str, metric: str, pattern: str) -> str:
    """Sum the numbers in the last group of `pattern`, which starts with `^`; it is an error when there is none."""
    group = pattern.count("(") - pattern.count(r"\(")
    program = shlex.quote(f"s/{pattern}.*/\\{group}/p")
    return (
        f"""out=$({{ {command}; }} 2>&1); printf '%s\\n' "$out"; printf '%s\\n' "$out" | sed -nE {program} | """
        f"""awk '{{sum += $1}} END {{if (!NR) exit 1; print "METRIC {metric}=" sum}}'"""
    )


def timed(command: str, metric: str) -> str:
    """Time the last step of `a && b` in wall-clock seconds; what comes before it is preparation."""
    before, _, last = command.rpartition(" && ")
    prepare = f"{before} && " if before else ""
    return f"LC_NUMERIC=C; TIMEFORMAT='METRIC {metric}=%3R'; {prepare}{{ time {{ {last}; }}; }} 2>&1"


def file_bytes(build: str, path: str, metric: str) -> str:
    """Print the size of one built file."""
    return f"""{build} && size=$(wc -c < {shlex.quote(path)}) && echo "METRIC {metric}=$((size))\""""


def folder_bytes(build: str, path: str, metric: str) -> str:
    """Print the size of all that is built into a folder, source maps left out; what an earlier build left is removed."""
    folder = shlex.quote(f"./{path}")
    return (
        f"""{{ [ -n "$(git ls-files -- {folder})" ] || rm -rf {folder}; }} && {build} && size=$(find {folder} -type f ! -name '*.map' -exec cat {{}} + | wc -c) && """
        f"""[ "$size" -gt 0 ] && echo "METRIC {metric}=$((size))\""""
    )


def code_lines(globs: Sequence[str], metric: str) -> str:
    """Count the lines that hold more than blanks, in the tracked files that the globs name."""
    return f"""set -o pipefail; count=$({_texts(globs)} | grep -c '[^[:space:]]') && echo "METRIC {metric}=$count\""""


def word_count(globs: Sequence[str]) -> str:
    """Count the words of the tracked files that the globs name; print a bare number."""
    return f"set -o pipefail; {_texts(globs)} | wc -w"


def words(globs: Sequence[str], metric: str) -> str:
    """Count the words of the tracked files that the globs name."""
    return f"""set -o pipefail; count=$({_texts(globs)} | wc -w) && [ "$count" -gt 0 ] && echo "METRIC {metric}=$((count))\""""


def matching_lines(globs: Sequence[str], pattern: str) -> str:
    """Count the lines of these tracked files that match; print a bare number."""
    return f"git grep -hE -e {shlex.quote(pattern)} -- {_specs(globs)} | wc -l"


_GRADE = r"""
/^(```|~~~)/ {code = !code; next}
code || /^[[:space:]]*([|<#]|==+$|--+$)/ {next}
/^[[:space:]]*$/ || /^[[:space:]]*([-*+]|[0-9]+[.])[[:space:]]/ {sentences += open; open = 0}
{gsub(/`[^`]*`/, " "); gsub(/\]\([^)]*\)/, "]"); gsub(/https?:[^ ]*/, " ")}
{for (i = 1; i <= NF; i++) {
  word = $i; size = gsub(/[[:alpha:]]/, "", word); if (size) {words++; letters += size; open = 1}
  if ($i ~ /[.!?][^[:alnum:]]*$/) {sentences += open; open = 0}}}
END {sentences += open; if (!words) exit 1
  printf "METRIC %s=%.3f\n", metric, 4.71 * letters / words + 0.5 * words / sentences - 21.43}"""


def reading_grade(globs: Sequence[str], metric: str) -> str:
    """Print the Automated Readability Index, the school year whose pupils follow the text; code, tables, links do not count."""
    program = " ".join(line.strip() for line in _GRADE.strip().splitlines()).replace("exit 1 printf", "exit 1; printf")
    return f"set -o pipefail; {_texts(globs)} | LC_ALL=C awk -v metric={metric} {shlex.quote(program)}"


def _texts(globs: Sequence[str]) -> str:
    return f"git ls-files -z -- {_specs(globs)} | xargs -0 cat"


def _specs(globs: Sequence[str]) -> str:
    return " ".join(shlex.quote(spec) for glob in globs for spec in _pathspecs(glob))


def _pathspecs(glob: str) -> list[str]:
    """Scope globs as git reads them; it knows no braces, and its exclusions always win."""
    magic, body = ("exclude,glob", glob[1:]) if glob.startswith("!") else ("glob", glob)
    braces = re.search(r"(?<!\\)\{([^{}]*)\}", body)
    bodies = (
        [body[: braces.start()] + part + body[braces.end() :] for part in braces[1].split(",")] if braces else [body]
    )
    return [f":({magic}){one}" for one in bodies]


_TEMPORARY = """dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && """
_PYTHON_LINES = (
    "import json, re, sys; "
    'files = json.load(open(sys.argv[1]))["files"].items(); '
    'rows = [file["summary"] for name, file in files '
    r'if not re.search(r"(^|/)(tests?/|test_|conftest[.]py)|_test[.]py$", name)]; '
    'covered = sum(row["covered_lines"] for row in rows); total = sum(row["num_statements"] for row in rows); '
    'print("METRIC coverage=%.4f" % (100 * covered / total))'
)
_NODE_LINES = (
    "const lines = require(process.argv[1]).total.lines; if (!lines.total) process.exit(1); "
    'console.log("METRIC coverage=" + 100 * lines.covered / lines.total)'
)


def python_coverage(prefix: str, python: str, *, plugin: bool) -> str:
    """Print the percent of the statements outside the tests that the tests ran, by pytest-cov or by plain coverage."""
    read = f"""{python} -c {shlex.quote(_PYTHON_LINES)} "$dir/coverage.json\""""
    data = """export COVERAGE_FILE="$dir/data" && """
    if plugin:
        return f"""{_TEMPORARY}{data}{prefix}pytest -q --cov=. --cov-report="json:$dir/coverage.json" && {read}"""
    run, report = (
        f"{prefix}coverage run --source=. -m pytest -q",
        f"""{prefix}coverage json -q -o "$dir/coverage.json\"""",
    )
    return f"{_TEMPORARY}{data}{run} && {report} && {read}"


def node_coverage(runner: str, *, vitest: bool) -> str:
    """Print the percent of the lines that the tests ran, by Jest or Vitest; `runner` starts it (`npx --no-install jest`)."""
    flags = (
        '--coverage --coverage.reporter=json-summary --coverage.reportsDirectory="$dir"'
        if vitest
        else '--coverage --coverageReporters=json-summary --coverageDirectory="$dir"'
    )
    return f"""{_TEMPORARY}{runner} {flags} && node -e {shlex.quote(_NODE_LINES)} "$dir/coverage-summary.json\""""


def go_coverage() -> str:
    """Print the percent of the statements that the tests ran."""
    total = shlex.quote(r"s/^total:.*[[:space:]]([0-9.]+)%$/METRIC coverage=\1/p")
    return f"""{_TEMPORARY}go test -count=1 -coverprofile="$dir/cover" ./... && go tool cover -func="$dir/cover" | sed -nE {total}"""


def go_benchmark(command: str, metric: str) -> str:
    """Print the sum of all ns/op."""
    total = f"""awk '$4 == "ns/op" {{sum += $3; n++}} {{print}} END {{if (!n) exit 1; printf "METRIC {metric}=%.1f\\n", sum}}'"""
    return f"set -o pipefail; {command} | {total}"


_BENCHMARK_SUM = (
    "import json, sys; "
    'rows = json.load(open(sys.argv[1]))["benchmarks"]; '
    'print("METRIC %s=%.9f" % (sys.argv[2], sum(row["stats"]["median"] for row in rows) if rows else 1 / 0))'
)


def pytest_benchmark(command: str, python: str, metric: str) -> str:
    """Print the sum of the medians that pytest-benchmark measures."""
    read = f"""{python} -c {shlex.quote(_BENCHMARK_SUM)} "$dir/benchmark.json" {metric}"""
    return f"""{_TEMPORARY}{command} --benchmark-json="$dir/benchmark.json" && {read}"""
