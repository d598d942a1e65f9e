"""What a person's words ask for: a quality that could be measured, told by its nouns and not by a verb alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Quality(StrEnum):
    """Something of a project that can get better."""

    COVERAGE = "test coverage"
    FLAKINESS = "flaky tests"
    TEST_SPEED = "the tests' speed"
    PASSING = "passing tests"
    BUILD_SPEED = "the build's speed"
    START = "start-up time"
    IMPORTS = "modules loaded at import"
    TYPES = "type errors"
    LINT = "lint findings"
    WARNINGS = "compiler warnings"
    MEMORY = "memory"
    DEPENDENCIES = "dependencies"
    SECURITY = "security"
    READABILITY = "readable text"
    TEXT_LENGTH = "the text's length"
    DOCS = "documents"
    CODE_LINES = "lines of code"
    CODE_QUALITY = "the code's quality"
    MODEL = "a model's score"
    SIZE = "the size of what is shipped"
    SPEED = "speed"
    BUGS = "bugs"


@dataclass(frozen=True)
class _Wish:
    """How people ask for a quality: a noun, near a word of change unless the noun says it all."""

    quality: Quality
    nouns: str
    change: str = ""


_FASTER = (
    r"fast\w*|quick\w*|speed\w*|slow\w*|times?|seconds?|minutes?|duration|latency|perform\w*|optimi[sz]\w*|accelerat\w*"
)
_SMALLER = (
    r"small\w*|shr[iu]nk\w*|siz\w*|bytes?|kb|mb|kilobytes?|big\w*|large\w*|heav\w*|light\w*|slim\w*|weigh\w*|reduc\w*|lower"
    r"|cut\w*|less|minif\w*|bloat\w*|trim\w*|compact\w*|optimi[sz]\w*"
)
_FEWER = (
    r"few\w*|less|reduc\w*|cut\w*|remov\w*|delet\w*|drop\w*|lower|shr[iu]nk\w*|no|zero|eliminat\w*|fix\w*|mend\w*|rid"
    r"|short\w*|simpl\w*|small\w*|trim\w*|decreas\w*|minimi[sz]\w*|resolv\w*|complex\w*|count|find|catch"
)
_BETTER = r"better|improv\w*|clean\w*|nic\w*|maintainab\w*|tid\w*|rais\w*|quality|readab\w*|higher|clear\w*"
_TESTS = r"tests?|suites?|specs?|ci|pytest|jest|vitest|rspec|phpunit"
_DOCS = (
    r"docs?|documentation|documents?|readme|prose|guides?|tutorials?|manuals?|handbook|articles?|chapters?|wiki|writing"
    r"|text|texts|changelog|markdown"
)
_SHIPPED = (
    r"bundles?|packages?|dist|wheels?|binar\w+|programs?|executables?|artifacts?|assets?|builds?|js|javascript|css|librar\w+"
    r"|apps?|downloads?|install\w*|tarball|crates?|jars?|gems?|gzip\w*|modules?|output|sites?|frontend|web"
)

_WISHES = (
    _Wish(Quality.TYPES, r"types?|typing", r"coverage"),
    _Wish(Quality.DOCS, r"docstrings?"),
    _Wish(Quality.COVERAGE, r"coverage|cover\w*|untested"),
    _Wish(Quality.FLAKINESS, r"flak\w+"),
    _Wish(Quality.TEST_SPEED, _TESTS, _FASTER),
    _Wish(Quality.PASSING, _TESTS, r"pass\w*|fail\w*|fix\w*|green|broken|red|repair\w*"),
    _Wish(Quality.COVERAGE, r"tests", r"more|add|missing|better|write"),
    _Wish(Quality.BUILD_SPEED, r"builds?|building|compil\w*|bundling|packaging", _FASTER),
    _Wish(Quality.START, r"start-?up|starts?|starting|boot\w*|imports?|importing|launch\w*", rf"cold|costs?|{_FASTER}"),
    _Wish(Quality.START, r"start-?up"),
    _Wish(Quality.IMPORTS, r"imports?|imported|importing", r"modules?|few\w*|less|numbers?|count|laz\w+"),
    _Wish(Quality.LINT, r"lint\w*|ruff|eslint|flake8|pylint|clippy|rubocop|vet|phpcs|golangci-lint|checkstyle|smells?"),
    _Wish(Quality.TYPES, r"typing|mypy|pyright|tsc|phpstan|type-?check\w*|typehints?"),
    _Wish(Quality.TYPES, r"types?", rf"errors?|hints?|strict\w*|saf\w+|annotat\w*|issues?|problems?|{_BETTER}|{_FEWER}"),
    _Wish(Quality.WARNINGS, r"warnings?"),
    _Wish(Quality.MEMORY, r"memory|ram|rss|leaks?|heap|allocations?"),
    _Wish(Quality.DEPENDENCIES, r"dependenc\w+|deps|third-party|requirements|node_modules", _FEWER),
    _Wish(Quality.SECURITY, r"secur\w+|vulnerab\w+|cves?|exploits?|owasp|attacks?"),
    _Wish(Quality.READABILITY, _DOCS, r"readab\w*|reading|clear\w*|clarity|plain\w*|understand\w*|easier|simpl\w*"),
    _Wish(Quality.TEXT_LENGTH, _DOCS, r"short\w*|concis\w*|few\w*|less|cut\w*|trim\w*|words?|brief\w*|lengths?|long\w*|small\w*"),
    _Wish(Quality.DOCS, _DOCS),
    _Wish(Quality.READABILITY, r"readability|reading"),
    _Wish(Quality.CODE_LINES, r"lines?|loc|code|codebase|functions?|duplicat\w+|dead|source", _FEWER),
    _Wish(Quality.CODE_LINES, r"refactor\w*|simplify|simpler"),
    _Wish(Quality.CODE_QUALITY, r"code|codebase|quality|maintainability|style", _BETTER),
    _Wish(Quality.MODEL, r"accura\w+|loss|f1|auc|precision|recall|perplexity|val_bpb|bpb|models?|predictions?|rmse|mae"),
    _Wish(Quality.SIZE, _SHIPPED, _SMALLER),
    _Wish(Quality.SPEED, r"benchmarks?|runtime"),
    _Wish(
        Quality.SPEED,
        r"fast\w*|quick\w*|speed\w*|slow\w*|latency|perform\w*|throughput|optimi[sz]\w*|accelerat\w*|ops|milliseconds?|ms|times?|seconds?",
    ),
    _Wish(Quality.BUGS, r"bugs?|defects?|faults?|crash\w*|errors?|mistakes?|bugg\w+"),
    _Wish(Quality.SIZE, r"small\w*|shr[iu]nk\w*|slim\w*|lighter|bytes|minif\w*|size|bloat\w*"),
)  # fmt: skip
_NEAR = 5
"""Words between a noun and its word of change, at most."""
_ASIDE = re.compile(r"\b(without|while|but|keeping|as long as|so that|and keep|though|unless|not by)\b[^.;!?]*")


def words_of(goal: str) -> tuple[str, ...]:
    """Return the words of a goal's wish; what it says must not happen (`without breaking the tests`) is left out."""
    return tuple(re.findall(r"[a-z0-9+#_-]+", _ASIDE.sub("", goal.lower()) or goal.lower()))


def wished(goal: str) -> tuple[Quality, ...]:
    """Return the qualities that a goal asks for, the most specific first. A word that was understood is not read again."""
    words = words_of(goal)
    used: set[int] = set()
    found: dict[Quality, None] = {}
    for wish in _WISHES:
        if met := _met(wish, words, used):
            used |= met
            found[wish.quality] = None
    return tuple(found)


def _met(wish: _Wish, words: Sequence[str], used: set[int]) -> set[int]:
    """Return the places of the words by which a wish is meant; empty if it is not."""
    nouns = {place for place, word in enumerate(words) if place not in used and re.fullmatch(wish.nouns, word)}
    if not wish.change:
        return nouns
    changes = {place for place, word in enumerate(words) if place not in used and re.fullmatch(wish.change, word)}
    pairs = [(noun, change) for noun in nouns for change in changes if noun != change and abs(noun - change) <= _NEAR]
    return {place for pair in pairs for place in pair}
