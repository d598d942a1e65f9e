"""Ways to make an error disappear without mending it, counted from a patch.

A change is refused for what can only ever hide something: a comment that silences a tool, a skipped or deleted test, an
assertion less, a stub that is read in place of a module, looser rules, code that looks for its test runner. What may also be honest is
refused where a run of changed lines does nothing else, and counted otherwise.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ...diagnostics.tracebacks import TEST_FILE


class Suppression(StrEnum):
    """What hides an error."""

    COMMENT = "comment that silences a tool"
    SKIPPED = "skipped test"
    DELETED = "deleted test"
    ASSERTION = "dropped assertion"
    STUB = "stub in place of a module"
    LOOSER = "looser rules"
    ANY = "type that says nothing"
    EMPTY_HANDLER = "empty handler of errors"
    TIMEOUT = "raised time-out"
    COMMENTED_OUT = "code commented out"
    RUNNER = "code that looks for its test runner"


_PYTHON, _SCRIPT = r"\.pyi?$", r"\.[cm]?[jt]sx?$|\.vue$|\.svelte$"
_C = r"\.(c|h|cc|cpp|cxx|hpp|hh|m|cs|java|kt|swift|go|rs)$"
_ANY_FILE = r"\.(?!md$|rst$|txt$|json$|lock$)\w+$"
_CONFIGURATION = (
    r"(^|/)(pyproject\.toml|setup\.cfg|tox\.ini|mypy\.ini|\.mypy\.ini|pytest\.ini|\.?ruff\.toml|\.flake8|\.pylintrc|pyrightconfig\.json|"
    r"tsconfig[\w.-]*\.json|package\.json|\.eslintrc[\w.]*|eslint\.config\.\w+|(jest|vitest|vite)\.config\.\w+|biome\.json|\.golangci\.\w+|"
    r"Cargo\.toml|clippy\.toml|\.clippy\.toml|phpstan\.neon[\w.]*|phpunit\.xml[\w.]*|phpcs\.xml[\w.]*|\.rubocop\.yml|\.rspec|Makefile|makefile|"
    r"GNUmakefile|CMakeLists\.txt|pom\.xml|build\.gradle(\.kts)?|Directory\.Build\.props|\.editorconfig|conftest\.py)$"
)


SIGNS = tuple(
    (kind, re.compile(files), re.compile(pattern)) for kind, files, pattern in (
    (Suppression.COMMENT, _ANY_FILE,
        (r"#\s*(?:type|pyright|mypy):\s*ignore|#\s*mypy:\s*(?:ignore-errors|disable|allow)|#\s*(?:ruff|flake8):\s*noqa|#\s*noqa\b|"
        r"#\s*pylint:\s*disable|#\s*nosec\b|@(?:typing\.)?no_type_check|"
        r"@ts-(?:ignore|expect-error|nocheck)|eslint-disable|biome-ignore|oxlint-disable|tslint:disable|"
        r"//\s*nolint|//\s*lint:ignore|#!?\[\s*(?:cfg_attr\([^)]*,\s*)?allow\(|@SuppressWarnings|@Suppress\(|//\s*noinspection|"
        r"#\s*pragma\s+warning\s+disable|#\s*pragma\s+(?:GCC|clang)\s+diagnostic\s+ignored|//\s*NOLINT|"
        r"@phpstan-ignore|phpcs:(?:ignore|disable)|@psalm-suppress|rubocop:(?:disable|todo)|#\s*shellcheck\s+disable|\[SuppressMessage")),
    (Suppression.SKIPPED, _PYTHON,
        (r"@?\bpytest\.mark\.(?:skip|skipif|xfail)\b|\bpytest\.(?:skip|xfail|importorskip)\(|\bunittest\.(?:skip|expectedFailure)|"
        r"@skip(?:If|Unless)?\(|\bself\.skipTest\(|\bcollect_ignore|\braise (?:unittest\.)?SkipTest")),
    (Suppression.SKIPPED, _SCRIPT,
        (r"(?<![\w.])(?:it|test|describe|suite|context)\.(?:skip|todo|only|fails|skipIf|runIf)\b|(?<![\w.])[xf](?:it|test|describe|context)\(|"
        r"\bskip:\s*(?:true|['\"])|\b(?:t|this|ctx|context)\.(?:skip|todo)\(")),
    (Suppression.SKIPPED, _C,
        r"\b[tb]\.Skip(?:f|Now)?\(|#\[ignore\b|@(?:Disabled|Ignore)\b|\bAssumptions?\.assum|\bSkip\s*=\s*\"|\bGTEST_SKIP\b|\bDISABLED_\w+"),
    (Suppression.SKIPPED, r"\.rb$", r"^\s*(?:skip|pending)\b|(?<!\w)x(?:it|describe|context|specify)\s|,\s*:?skip(?::|\s*=>)"),
    (Suppression.SKIPPED, r"\.php$", r"->markTest(?:Skipped|Incomplete)\(|::markTest(?:Skipped|Incomplete)\(|->skip\(|@group\s+skip"),
    (Suppression.LOOSER, _CONFIGURATION,
        (r"ignore_errors\s*=\s*true|ignore_missing_imports\s*=\s*true|disable_error_code|follow_imports\s*=\s*\W*(?:skip|silent)|"
        r"(?i:\"?strict\w*\"?\s*[:=]\s*(?:false|no\b|0))|\"(?:noImplicit\w+|strict\w+|checkJs|noUnused\w+)\"\s*:\s*false|\"skipLibCheck\"\s*:\s*true|"
        r"(?:typeCheckingMode|reportGeneral\w+)\W+(?:off|none|basic)|(?:extend-)?(?:ignore|exclude)\s*=|per-file-ignores|extend-exclude|"
        r":\s*\[?\s*['\"](?:off|warn)['\"]|['\"][\w/@-]+['\"]\s*:\s*\[?\s*0\b|--ignore[ =]|--deselect|collect_ignore|norecursedirs|"
        r"(?:test|coverage)PathIgnorePatterns|passWithNoTests|--passWithNoTests|=\s*\"allow\"|level\s*=\s*\"allow\"|ignoreErrors|excludePaths|"
        r"Enabled:\s*false|Exclude:|-Wno-|(?<![\w-])-w(?![\w-])|<skipTests>|testFailureIgnore|ignoreFailures|\|\|\s*true|^\t-(?!rm\b)\w|--no-verify|"
        r"NoWarn|dotnet_diagnostic\.\w+\.severity\s*=\s*(?:none|silent)|max-warnings|--force\b|--legacy-peer-deps|--cap-lints")),
    (Suppression.ANY, _PYTHON, r":\s*(?:typing\.)?Any\b|->\s*(?:typing\.)?Any\b|\bcast\(\s*[\"']?(?:typing\.)?Any\b|\[\s*Any\s*\]"),
    (Suppression.ANY, r"\.[cm]?tsx?$|\.vue$|\.svelte$", r":\s*any\b|\bas\s+(?:any|never|unknown\s+as)\b|<any>|\bany\[\]"),
    (Suppression.ANY, r"\.[cm]?jsx?$", r"@(?:type|param|returns?)\s*\{\s*(?:any|\*)\s*\}"),
    (Suppression.RUNNER, r"^(?!(?:.*/)?(?:tests?/|test_|conftest)|.*_test\.)", r"\b_pytest\b|PYTEST_CURRENT_TEST|[\"']pytest[\"']|JEST_WORKER_ID|NODE_TEST_CONTEXT|env\.VITEST"),
    (Suppression.RUNNER, r"^(?!(?:.*/)?(?:tests?/|test_|conftest)|.*_test\.).*\.pyi?$",
        (r"\bsys\.(?:modules(?!\[__name__\])|argv(?!\[1:\])|orig_argv|_getframe|_current_frames)\b|\binspect\.(?:stack|currentframe)\b|"
        r"\bfrom\s+(?:sys|inspect)\s+import\b.*\b(?:modules|argv|orig_argv|_getframe|stack|currentframe)\b")),
    (Suppression.TIMEOUT, _PYTHON, r"@?pytest\.mark\.timeout\("),
    (Suppression.TIMEOUT, _SCRIPT, r"\bjest\.setTimeout\(|\bthis\.timeout\(|\bvi\.setConfig\(\{\s*testTimeout"),
))  # fmt: skip
TIGHTER = re.compile(
    r"(?i:\"?strict\w*\"?\s*[:=]\s*true)|\"(?:noImplicit\w+|noUnused\w+|checkJs)\"\s*:\s*true|-Werror|-Wall|-Wextra|-Wpedantic|"
    r"(?:extend-)?select\s*=|disallow_\w+\s*=\s*true|warn_\w+\s*=\s*true|deny\(|=\s*\"(?:deny|forbid)\"|filterwarnings|xfail_strict\s*=\s*true|"
    r":\s*\[?\s*['\"]error['\"]|TreatWarningsAsErrors"
)
CONFIGURED = re.compile(_CONFIGURATION)
TESTS = tuple(
    (re.compile(files), re.compile(pattern))
    for files, pattern in (
        (_PYTHON, r"^\s*(?:async\s+)?def\s+(test\w*)\s*\(|^class\s+(Test\w*)"),
        (_SCRIPT, r"(?<![\w.])(?:it|test|specify)(?:\.each\b[^\n]*?|\.only|\.concurrent)?\s*\(\s*(['\"`][^'\"`]+)"),
        (r"_test\.go$", r"^func\s+((?:Test|Fuzz|Example|Benchmark)\w*)\s*\("),
        (r"\.rs$", r"^\s*#\[(?:\w+::)*(test)(?:\(|\])"),
        (r"\.(java|kt)$", r"^\s*@((?:Parameterized|Repeated)?Test)\b"),
        (r"\.cs$", r"^\s*\[(Fact|Theory|Test|TestMethod|TestCase)\b"),
        (r"\.rb$", r"^\s*(?:it|specify|test)\s+(['\"][^'\"]+)|^\s*def\s+(test_\w+)"),
        (r"\.php$", r"\bfunction\s+(test\w+)\s*\(|^\s*(?:test|it)\(\s*(['\"][^'\"]+)"),
        (r"\.(c|cc|cpp|cxx)$", r"^\s*((?:TEST|TEST_F|TEST_P|TEST_CASE|BOOST_AUTO_TEST_CASE)\b)"),
    )
)
HANDLERS = (
    (re.compile(_PYTHON), re.compile(r"^\s*except\b[^\n]*:\s*(?:pass|\.\.\.)?\s*(?:#.*)?$|suppress\((?:Base)?Exception\)")),
    (
        re.compile(rf"{_SCRIPT}|\.(java|kt|cs|php|cc|cpp|cxx|swift)$"),
        re.compile(r"\bcatch\s*(?:\([^)]*\))?\s*\{\s*(?://[^\n]*|/\*.*\*/)?\s*\}?\s*$|\.catch\(\s*(?:\(\w*\)|\w+|function\s*\(\w*\))\s*(?:=>)?\s*\{\s*\}\s*\)"),
    ),
    (re.compile(r"\.rb$"), re.compile(r"\brescue\b\s*(?:=>\s*\w+|nil|StandardError|Exception)?\s*$")),
)  # fmt: skip
ASSERTION = re.compile(
    r"\bassert\w*\b|\bexpect\(|\b[tb]\.(?:Error|Fatal|Fail)\w*\(|\.should\b|\bEXPECT_|\brequire\.\w+\(t\b"
)
NOTHING = re.compile(r"^\s*(?:pass|\.\.\.|\}|\);?|\};?|end|continue;?|return;?|//.*|#.*|/\*.*\*/)?\s*$")
TRIED = re.compile(
    r"^\s*(?:try\s*[:{]?|\}?\s*(?:catch|finally)\b.*|except\b.*|begin|rescue\b.*|end|\}|pass|\.\.\.)?\s*$"
)
LIMIT = re.compile(r"(?i)time_?-?out|deadline|sleep|setTimeout|wait_for|max_?time")
AMOUNT = re.compile(r"\d[\d_]*(?:\.\d+)?")
COMMENT = re.compile(r"^\s*(?:#|//|--|/\*|<!--)\s?(?P<code>.*?)\s*(?:\*/|-->)?\s*$")


ALWAYS = frozenset(Suppression) - {
    Suppression.ANY,
    Suppression.EMPTY_HANDLER,
    Suppression.TIMEOUT,
    Suppression.COMMENTED_OUT,
}
"""What is refused wherever it stands."""


@dataclass(frozen=True)
class Hidden:
    """One suppression. `line` counts from 1 in the file as changed, of a removed line in the file as it was; `alone` says that
    the lines around it do nothing else.
    """

    kind: Suppression
    path: str
    line: int
    text: str
    alone: bool = True

    @property
    def refused(self) -> bool:
        """Whether a change with this may not be made."""
        return self.alone or self.kind in ALWAYS

    @property
    def description(self) -> str:
        """What hides, with its place and its text."""
        return f"{self.kind} at {self.path}:{self.line}: `{self.text.strip()[:160]}`"


@dataclass(frozen=True)
class ChangedLines:
    """Neighbouring changed lines of one file, each with its number: before, and after. `new`: there was no such file."""

    path: str
    removed: tuple[tuple[int, str], ...]
    added: tuple[tuple[int, str], ...]
    new: bool = False


def hidden(patch: str, files: Collection[str] = ()) -> tuple[Hidden, ...]:
    """Return every suppression that a patch adds, those that it takes out elsewhere set off against them. `files` are
    those beside which it stands.
    """
    runs = tuple(runs_of(patch))
    found = [one for run in runs for one in _of_run(run)]
    return (*_net(found, runs), *_gone(runs, Suppression.DELETED, test_named), *_assertions(runs), *_stubs(runs, files))


_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")


def runs_of(patch: str) -> Iterator[ChangedLines]:
    """Yield the runs of changed lines in a patch as git prints it."""
    path, fresh, old, new = "", False, 0, 0
    removed: list[tuple[int, str]] = []
    added: list[tuple[int, str]] = []
    inside = False
    for line in [*patch.split("\n"), "diff --git a/ b/"]:
        sign = line[:1] if inside else ""
        if sign == "-":
            removed.append((old, line[1:]))
            old += 1
            continue
        if sign == "+":
            added.append((new, line[1:]))
            new += 1
            continue
        if sign == "\\":  # no newline at the end of the file
            continue
        if removed or added:
            yield ChangedLines(path, tuple(removed), tuple(added), fresh)
            removed, added = [], []
        if line.startswith("diff --git "):
            path, fresh, inside = line.rpartition(" b/")[2], False, False
        elif not inside and line.startswith("new file mode "):
            fresh = True
        elif match := _HUNK.match(line):
            old, new, inside = int(match[1]), int(match[2]), True
        elif inside:
            old, new = old + 1, new + 1


def _of_run(run: ChangedLines) -> Iterator[Hidden]:
    """Yield what one run of changed lines hides."""
    before = Counter(_squeezed(text) for _, text in run.removed)
    substance = _has_substance(run)
    for number, text in run.added:
        if before[_squeezed(text)] > 0:  # only moved or indented
            before[_squeezed(text)] -= 1
            continue
        for kind in _kinds(run, text):
            yield Hidden(kind, run.path, number, text, not substance)
    yield from (Hidden(kind, run.path, number, text, not substance) for kind, number, text in _pairs(run))
    if CONFIGURED.search(run.path):
        kept = Counter(word for _, text in run.added for word in TIGHTER.findall(text))
        for number, text in run.removed:
            if lost := [word for word in TIGHTER.findall(text) if not kept[word]]:
                kept.subtract(lost)
                yield Hidden(Suppression.LOOSER, run.path, number, text)


def _kinds(run: ChangedLines, text: str) -> Iterator[Suppression]:
    found = (kind for kind, files, pattern in SIGNS if files.search(run.path) and pattern.search(text))
    yield from dict.fromkeys(found)
    for files, pattern in HANDLERS:
        if files.search(run.path) and pattern.search(text) and _is_empty(run, text):
            yield Suppression.EMPTY_HANDLER


def _is_empty(run: ChangedLines, text: str) -> bool:
    """Return whether nothing follows a handler that could do something."""
    if re.search(r"\}\s*\)?\s*$|\bpass\s*$|\.\.\.\s*$|suppress\(|\bnil\s*$", text):
        return True
    texts = [line for _, line in run.added]
    after = texts[texts.index(text) + 1 : texts.index(text) + 2]
    return bool(after) and bool(NOTHING.match(after[0])) and bool(after[0].strip())


def _pairs(run: ChangedLines) -> Iterator[tuple[Suppression, int, str]]:
    """Limits that grew, and code that turned into a comment."""
    removed = [text for _, text in run.removed]
    for number, text in run.added:
        shape = AMOUNT.sub("#", text)
        old = next((one for one in removed if AMOUNT.sub("#", one) == shape and one != text), None)
        if old is not None and LIMIT.search(text) and _largest(text) > _largest(old):
            yield Suppression.TIMEOUT, number, text
        code = COMMENT.match(text)
        if code and len(_squeezed(code["code"])) > 3 and _squeezed(code["code"]) in {_squeezed(one) for one in removed}:
            yield Suppression.COMMENTED_OUT, number, text


def _has_substance(run: ChangedLines) -> bool:
    """Return whether a run does anything but hide: what is left without suppressions is not what was there before."""
    typed = any(Suppression.ANY in _kinds(run, text) for _, text in run.added)
    old = Counter(left for _, text in run.removed if (left := _bare(run.path, text, typed=typed)))
    new = Counter(left for _, text in run.added if (left := _bare(run.path, text, typed=typed)))
    commented = Counter(
        _squeezed(match["code"]) for _, text in run.added if (match := COMMENT.match(text)) and match["code"]
    )
    return bool(new - old) or bool(old - new - commented)


def _bare(path: str, text: str, *, typed: bool) -> str:
    """Return a line without what hides, without spaces, types where they are looked at, and limits; nothing of a line
    that only hides or only comments.
    """
    if TRIED.match(text) or COMMENT.match(text):
        return ""
    for kind, files, pattern in SIGNS:
        if kind is not Suppression.ANY and files.search(path) and pattern.search(text):
            if kind is Suppression.TIMEOUT:
                return ""
            text = re.sub(r"\s*(?:#|//|/\*).*$", "", pattern.sub("", text))
    if typed:
        text = re.sub(r"\bas\s+\w+|<any>|\bcast\([^,]*,", "", text)
        text = re.sub(r"(:|->)\s*[\w.|\[\], ]+(?=[,)=:;{]|$)", r"\1", text)
    left = _squeezed(AMOUNT.sub("#", text) if LIMIT.search(text) else text)
    return left if re.search(r"\w", left) else ""


def _net(found: Sequence[Hidden], runs: Sequence[ChangedLines]) -> list[Hidden]:
    """Return what is left when as many of a kind were taken out, in the same file or elsewhere, as were put in."""
    gone: Counter[Suppression] = Counter()
    for run in runs:
        after = Counter(_squeezed(text) for _, text in run.added)
        for _, text in run.removed:
            if after[_squeezed(text)] > 0:
                after[_squeezed(text)] -= 1
                continue
            gone.update(kind for kind in _kinds(run, text) if kind is not Suppression.EMPTY_HANDLER)
    kept = []
    for one in found:
        if gone[one.kind] > 0:
            gone[one.kind] -= 1
        else:
            kept.append(one)
    return kept


def _gone(runs: Sequence[ChangedLines], kind: Suppression, name_of: Callable[[str, str], str]) -> Iterator[Hidden]:
    """Yield what has a name and is nowhere any more. A new one counts as an old one under another name."""
    after = Counter(name for run in runs for _, text in run.added if (name := name_of(run.path, text)))
    gone = []
    for one in (Hidden(kind, run.path, number, text) for run in runs for number, text in run.removed):
        if name := name_of(one.path, one.text):
            if after[name] > 0:
                after[name] -= 1
            else:
                gone.append(one)
    yield from gone[sum(after.values()) :]


def _assertions(runs: Sequence[ChangedLines]) -> Iterator[Hidden]:
    """Assertions fewer, where no test went with them."""
    if not any(_gone(runs, Suppression.DELETED, test_named)):
        yield from _gone(runs, Suppression.ASSERTION, _asserted)


def _asserted(path: str, text: str) -> str:
    return _squeezed(text) if TEST_FILE.search(path) and ASSERTION.search(text) else ""


def _stubs(runs: Sequence[ChangedLines], files: Collection[str]) -> Iterator[Hidden]:
    for run in runs:
        if run.new and run.path.endswith((".pyi", ".d.ts")):
            stem = run.path.removesuffix(".pyi").removesuffix(".d.ts")
            if any(f"{stem}{ending}" in files for ending in (".py", ".ts", ".js", ".tsx", ".jsx", ".mjs")):
                yield Hidden(Suppression.STUB, run.path, run.added[0][0], run.added[0][1])


def test_named(path: str, text: str) -> str:
    """Return the name of the test that a line begins; empty if it begins none."""
    for files, pattern in TESTS:
        if files.search(path) and (match := pattern.search(text)):
            return next(group for group in match.groups() if group)
    return ""


def _largest(text: str) -> float:
    return max((float(amount.replace("_", "")) for amount in AMOUNT.findall(text)), default=0.0)


def _squeezed(text: str) -> str:
    return "".join(text.split())
