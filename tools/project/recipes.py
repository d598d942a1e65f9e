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


_IMPORT_TIME = (
    "import subprocess, sys, time; "
    'run = lambda code: (time.perf_counter(), subprocess.run([sys.executable, "-c", code], check=True), time.perf_counter()); '
    "spent = lambda code: sorted(end - start for start, _, end in (run(code) for _ in range(9)))[4]; "
    'print("METRIC %s=%.3f" % (sys.argv[2], 1000 * (spent("import " + sys.argv[1]) - spent("pass"))))'
)
_IMPORTED_MODULES = (
    "import subprocess, sys; "
    'loaded = lambda code: subprocess.run([sys.executable, "-X", "importtime", "-c", code], check=True, stderr=-1).stderr.count(b"import time:"); '
    'print("METRIC %s=%d" % (sys.argv[2], loaded("import " + sys.argv[1]) - loaded("pass")))'
)


def import_time(python: str, package: str, metric: str) -> str:
    """Print the milliseconds that an import takes beyond starting Python: medians of nine fresh interpreters each."""
    return _of_import(_IMPORT_TIME, python, package, metric)


def imported_modules(python: str, package: str, metric: str) -> str:
    """Print how many modules an import loads beyond starting Python, those included that are forgotten again."""
    return _of_import(_IMPORTED_MODULES, python, package, metric)


def _of_import(script: str, python: str, package: str, metric: str) -> str:
    folder, _, name = package.rpartition("/")
    path = f"PYTHONPATH={shlex.quote(folder)} " if folder else ""
    return f"{path}{python} -c {shlex.quote(script)} {name} {metric}"


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


def documents(globs: Sequence[str], least: int) -> str:
    """Count the tracked documents with at least so many words; print a bare number."""
    return (
        f"git ls-files -z -- {_specs(globs)} | xargs -0 -n1 sh -c '[ $(wc -w < \"$0\") -ge {least} ] && echo x' | wc -l"
    )


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


def nanoseconds(command: str, metric: str, line: str, place: int) -> str:
    """Print the sum, in milliseconds, of the nanoseconds at one place of each line that an awk condition picks."""
    total = (
        """awk '{print} LINE {gsub(/,/, "", $N); sum += $N; n++} """
        """END {if (!n) exit 1; printf "METRIC NAME=%.6f\\n", sum / 1e6}'"""
    )
    total = total.replace("LINE", line).replace("$N", f"${place}").replace("NAME", metric)
    return f"set -o pipefail; {command} | {total}"


def hyperfine(command: str, metric: str) -> str:
    """Print the sum of the means, in milliseconds, that the runs of hyperfine inside a command print."""
    unit = """u = $6; if (u == "s") f = 1000; else if (u == "ms") f = 1; else if (u == "µs") f = 0.001; else next"""
    total = (
        f"""awk '{{print}} /Time \\(mean/ {{{unit}; sum += f * $5; n++}} """
        f"""END {{if (!n) exit 1; printf "METRIC {metric}=%.3f\\n", sum}}'"""
    )
    return f"set -o pipefail; {command} | {total}"


_VITEST_SUM = (
    "const means = require(process.argv[1]).files.flatMap(f => f.groups).flatMap(g => g.benchmarks).map(b => b.mean); "
    "if (!means.length) process.exit(1); "
    'console.log("METRIC " + process.argv[2] + "=" + means.reduce((sum, mean) => sum + mean, 0))'
)


def vitest_bench(command: str, metric: str) -> str:
    """Print the sum of the means, in milliseconds, that `vitest bench` measures."""
    read = f"""node -e {shlex.quote(_VITEST_SUM)} "$dir/benchmark.json" {metric}"""
    return f"""{_TEMPORARY}{command} --run --outputJson "$dir/benchmark.json" && {read}"""


_PACKED = (
    'const said = require("fs").readFileSync(0, "utf8"); '
    "const [pack] = Object.values(JSON.parse(said.slice(said.search(/^[\\[{]/m)))); "
    'const manifest = require("./package.json"); '
    "const names = pack.files.map(file => file.path); "
    'const has = entry => names.some(name => name.replace(/[.][cm]?js$/, "") === entry.replace(/[.][cm]?js$/, "") || name.startsWith(entry + "/")); '
    'const entries = [manifest.main, manifest.module, ...(JSON.stringify(manifest.exports || "").match(/[.][/][^"*]+(?=")/g) || [])]; '
    'const gone = entries.filter(entry => entry && !has(entry.replace(/^[.][/]/, ""))); '
    'if (gone.length) {console.error("not packed: " + gone); process.exit(1)} '
    "const bytes = pack.files.filter(file => !/[.]map$|[.]md$|[.]d[.][cm]?ts$|^licen[cs]e/i.test(file.path)).reduce((sum, file) => sum + file.size, 0); "
    'console.log("METRIC package_bytes=" + bytes)'
)


def npm_package(build: str) -> str:
    """Print the bytes that the package ships, source maps, type declarations, documents and the licence left out. Each entry that
    `package.json` names has to be among what is packed.
    """
    first = f"{build} && " if build else ""
    return f"""{_STRICT}{first}packed=$(npm pack --dry-run --json --ignore-scripts) && printf '%s' "$packed" | node -e {shlex.quote(_PACKED)}"""


_STRICT = "set -o pipefail; "
_CLEAN_COPY = """mkdir "$dir/copy" && git ls-files -z | tar --null -T - -cf - | tar -xf - -C "$dir/copy" && """


def wheel(python: str) -> str:
    """Print the bytes of the wheel. It is built from a copy of the tracked files: what an earlier build left is not in it."""
    build = (
        "uv build -q --wheel -o"
        if python.startswith("uv ")
        else f"{python} -m pip wheel -q --no-deps --no-cache-dir -w"
    )
    build += ' "$dir/wheel" "$dir/copy"'
    version = "export SETUPTOOLS_SCM_PRETEND_VERSION=0.0.0; "  # a version is told by tags, which the copy has not
    return f"{_STRICT}{_TEMPORARY}{_CLEAN_COPY}{version}{build} && {_size_of('$dir/wheel', '*.whl')}"


def go_program(package: str) -> str:
    """Print the bytes of the linked program."""
    return f'{_STRICT}{_TEMPORARY}go build -trimpath -o "$dir/program" {shlex.quote(package)} && {_size_of("$dir", "program")}'


def jars(build: str, folder: str) -> str:
    """Print the bytes of the jars that a build leaves, those of sources and documents left out."""
    return f"{_STRICT}{build} && {_size_of(folder, '*.jar', '*-sources.jar', '*-javadoc.jar', 'original-*.jar')}"


def gem(specification: str) -> str:
    """Print the bytes of the gem."""
    return f'{_STRICT}{_TEMPORARY}gem build {shlex.quote(specification)} -o "$dir/built.gem" && {_size_of("$dir", "built.gem")}'


def dotnet_output() -> str:
    """Print the bytes that are published, debugging symbols left out."""
    return f'{_STRICT}{_TEMPORARY}dotnet publish -c Release -o "$dir/out" && {_size_of("$dir/out", "*", "*.pdb")}'


def _size_of(folder: str, name: str, *without: str) -> str:
    left_out = "".join(f" ! -name {shlex.quote(pattern)}" for pattern in without)
    found = f"""find "{folder}" -type f -name {shlex.quote(name)}{left_out} -exec cat {{}} + | wc -c"""
    return f"""size=$({found}) && [ "$size" -gt 0 ] && echo "METRIC package_bytes=$((size))\""""


_BENCHMARK_SUM = (
    "import json, sys; "
    'rows = json.load(open(sys.argv[1]))["benchmarks"]; '
    'print("METRIC %s=%.9f" % (sys.argv[2], 1000 * sum(row["stats"]["median"] for row in rows) if rows else 1 / 0))'
)


def pytest_benchmark(command: str, python: str, metric: str) -> str:
    """Print the sum of the medians, in milliseconds, that pytest-benchmark measures."""
    read = f"""{python} -c {shlex.quote(_BENCHMARK_SUM)} "$dir/benchmark.json" {metric}"""
    return f"""{_TEMPORARY}{command} --benchmark-json="$dir/benchmark.json" && {read}"""
