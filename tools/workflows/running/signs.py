"""The signs of what hides an error, by kind and by the files in which they count. Data alone."""

from __future__ import annotations

import re
from enum import StrEnum


class Suppression(StrEnum):
    """What hides an error."""

    COMMENT = "comment that silences a tool"
    SKIPPED = "skipped test"
    DELETED = "deleted test"
    ASSERTION = "dropped assertion"
    TRUE = "assertion that always holds"
    STUB = "stub in place of a module"
    LOOSER = "looser rules"
    ANY = "type that says nothing"
    EMPTY_HANDLER = "empty handler of errors"
    TIMEOUT = "raised time-out"
    COMMENTED_OUT = "code commented out"
    RUNNER = "code that looks for its test runner"
    HOOK = "code that steers which tests run and how they are judged"


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
    (Suppression.TRUE, _PYTHON, r"\bassert\b.*\bor\s+(?:True|1)\b|\bassert\s+(?:True|1)\s*(?:,|#|$)|\bassertTrue\(\s*True\b"),
    (Suppression.TRUE, _SCRIPT, r"\bexpect\(\s*(true|1)\s*\)\.toBe\(\s*\1\s*\)"),
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
    (Suppression.HOOK, r"(^|/)(?:sitecustomize|usercustomize)\.py$|\.pth$", r"\w"),
    (Suppression.HOOK, _PYTHON,
        (r"\bpytest_(?:runtest_\w+|pyfunc_call|collection_\w+|ignore_collect|report_teststatus|sessionfinish|itemcollected|deselected|collect_\w+|"
        r"pycollect_\w+|plugins|load_initial_conftests)\b|\bTestReport\b|\bhookimpl\b")),
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
LIMIT = re.compile(r"(?i)time_?-?out|deadline|sleep|setTimeout|wait_for|max_?time")
VALUE = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"|(?<![\w.])-?\d[\w.]*|\b(?:True|False|None|true|false|null)\b")
AMOUNT = re.compile(r"\d[\d_]*(?:\.\d+)?")
COMMENT = re.compile(r"^\s*(?:#|//|--|/\*|<!--)\s?(?P<code>.*?)\s*(?:\*/|-->)?\s*$")
