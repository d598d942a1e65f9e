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


_FASTER = r"fast\w*|quick\w*|speed\w*|slow\w*|long|times?|seconds?|minutes?|duration|latency|perform\w*|optimi[sz]\w*|accelerat\w*"
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
_SENTENCES = re.compile(r"[;!?\n]|\.(?=\s|$)")
_CLAUSES = re.compile(
    r"[,:()]|\s[-\u2013\u2014&+/]+\s"
    r"|\b(?=(?:and|but|yet|while|though|although|unless|without|w/o|with|as long as|so that|provided|subject to|under|only if|if)\b)"
)
_LEAD = (
    r"^\W*(?:(?:and|but|yet|while|also|please|just|always|then|only|so|you|it|we|they|i|i'd|would|like|want|wish|try|remember"
    r"|must|should|have|has|needs?|be|careful|to)\W+)*"
)
_GOOD = (
    r"pass(?:es|ed|ing)?|green|work(?:s|ing)?|run(?:s|ning)?|ok|okay|fine|succeed\w*|holds?|compil\w+|happy|intact|valid|correct"
    r"|(?:the )?same"
)
_WORSE = r"break\w*|broke\w*|fail\w*|chang\w*|regress\w*|suffer\w*"
_STAYS = re.compile(
    rf"^\W*(?:without|w/o|as long as|provided|though|although|unless|not)\b"
    rf"|{_LEAD}(?:keep|leave|leaving|preserv\w+|maintain\w*|retain\w*|keeping)\b(?! on\b| working on\b| (?!passing|working|running)\w+ing\b)"
    rf"|{_LEAD}(?:do not|don'?t|never|avoid|not)\b"
    rf"|{_LEAD}(?:with )?(?:no|zero|0|nothing|none)\b.*\b(?:{_WORSE}|new|red)\b"
    rf"|{_LEAD}(?:make (?:very )?sure|sure|ensur\w+|see to it|check|verify|guarantee)\b.*\b(?:{_GOOD}|{_WORSE}|still|not)\b"
    r"|\b(?:stays?|remains?|(?:must|should|shall|may) ?(?:not|never|n't))\b|n't (?:be )?(?:broken?|fail|change|regress)\b"
    rf"|\b(?:cannot|can not|do not|does not|will not|to not|not to) (?:{_WORSE})\b"
    rf"|\b(?:must|should|shall|ought to|(?:has|have|needs?) to|still|keeps?|continu\w+|continu\w+ to)"
    rf"(?: (?:still|all|always|also|both|ever|keep|continue to))* (?:be )?(?:{_GOOD})\b"
)
"""A clause that demands that something stays as it is: a condition, and no goal as long as another clause has one."""
_STAYS_UNASKED = re.compile(
    rf"\b(?:{_TESTS})\b.*\b(?:{_GOOD}|first|guards?|sacred|judges?|law|contract)\b|\b(?:{_GOOD}|guard\w*)\b.*\b(?:{_TESTS})\b"
    rf"|{_LEAD}(?:(?:re-?)?run|verify|check)\b.*\b(?:{_TESTS})\b|\b(?:unchanged|untouched|unaffected|compatib\w+|safety net)\b"
    r"|^\W*(?:(?:and|with|the|only) )*(?:same|identical|constraints?|conditions?|guards?|requirements?)\b"
)
"""The same, where the clause has no word of change."""
_ASKS = re.compile(
    rf"\b(?:mak(?:e|es|ing)|get\w*|bring\w*|turn\w*|let|add\w*|writ\w+|more|increas\w*|{_FASTER}|{_SMALLER}|{_FEWER}|{_BETTER})\b"
)
_QUESTION = re.compile(r"\W*(?:do(?! not)|does|did|is|are)\b")
_GRANTS = re.compile(r"n't\b|\b(?:not|never|no|may|can|might|fine|ok|okay|allowed)\b")


def words_of(goal: str) -> tuple[str, ...]:
    """Return the words of a goal's wish; what it says must stay (`keep the tests green`) is left out where a wish is left."""
    return _words(_clauses(goal)[0])


def conditions_of(goal: str) -> tuple[str, ...]:
    """Return the words of what a goal says must stay as it is."""
    return _words(_clauses(goal)[1])


def _words(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"[a-z0-9+#_-]+", text))


def _clauses(goal: str) -> tuple[str, str]:
    """Return what a goal asks for, and what it says must stay. A part of a list goes where the rest of its list goes."""
    wish: list[str] = []
    stays: list[str] = []
    said = goal.lower().replace("\u2019", "'")
    for sentence in _SENTENCES.split(said):
        undecided: list[str] = []
        last = wish
        for clause in _CLAUSES.split(sentence):
            if not _QUESTION.match(sentence) and _is_condition(clause):
                last = stays
            elif _ASKS.search(clause):
                last = wish
            elif last is wish:
                undecided.append(clause)
                continue
            last += [*undecided, clause]
            undecided = []
        wish += undecided
    asked = " ".join(wish)
    return (asked, " ".join(stays)) if _words(asked) else (said, "")


def _is_condition(clause: str) -> bool:
    if _STAYS.search(clause):
        return True
    asks = _ASKS.search(clause)
    if re.match(r"\W*(?:but|while|yet)\b", clause):
        return not asks or _GRANTS.search(clause) is not None
    return not asks and _STAYS_UNASKED.search(clause) is not None


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
