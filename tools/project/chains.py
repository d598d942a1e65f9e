"""Which prompts lead to a goal in a person's words, in which order."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from .goals import Quality, wished, words_of

LOOP = "autoresearch"
_SHIP = ("ship", "it checks what a release needs, in a clean checkout, and publishes nothing without a yes")
_REGRESSION = ("regression", "it runs what worked before once more")
_FIX = ("fix", "it counts failing tests, type and lint errors, and brings them to none")
_IMPROVE = (
    ("plan", "one number that says when it is better, measured by a command"),
    (LOOP, "edits, each measured, kept or taken back"),
    _SHIP,
)

READY: Mapping[str, str] = {
    "quality": "predict, debug, fix, regression",
    "feature": "probe, scenario, debug, fix, regression, ship",
    "incident": "debug, fix, regression, ship",
    "hardening": "security, fix, regression, ship",
    "release": "regression, ship",
}
"""Chains that have a name, which stands for them wherever a chain may be given."""

_Steps = tuple[tuple[str, str], ...]
_BY_WORDS: Mapping[str, _Steps] = {
    r"symptoms?|tracebacks?|exceptions?|hangs?|wrong|broken|incorrect|misbehav\w*|fails?|failing": (
        ("debug", "it proves the cause by an experiment"), _FIX, _REGRESSION, _SHIP),
    r"releas\w*|publish\w*|deploy\w*|ship|merge|pull-?request": (_REGRESSION, _SHIP),
    r"requirements?|prd|unclear|interview": (("probe", "it asks what nobody has said, and answers from files"),),
    r"edge|corner|scenarios?": (("scenario", "it lists situations, each tried or told as an opinion"),
                                ("debug", "it proves those that go wrong"), _FIX),
    r"review|risks?|predict\w*|what-?if": (("predict", "five views foretell what will break; only experiments confirm"),
                                           ("debug", "it proves what was foretold"), _FIX),
    r"decide|decision|choose|compare|alternatives?|trade-?offs?": (("reason", "candidates are argued out, blind"),),
}  # fmt: skip
_BY_QUALITY: Mapping[Quality, _Steps] = {
    Quality.BUGS: (("debug", "it proves each bug by an experiment"), _FIX, _REGRESSION, _SHIP),
    Quality.PASSING: (_FIX, _REGRESSION, _SHIP),
    Quality.FLAKINESS: (
        ("regression", "it runs the tests again and again and names those that differ"),
        ("debug", "it proves the cause by an experiment"),
        _FIX,
        _SHIP,
    ),
    Quality.SECURITY: (("security", "it audits the code, each finding shown by a run"), _FIX, _REGRESSION, _SHIP),
    Quality.DOCS: (("learn", "it holds what documents say against the code"), _SHIP),
}


@dataclass(frozen=True)
class Chain:
    """Prompts in order, each with what it does there."""

    steps: tuple[tuple[str, str], ...]
    has_tests: bool = False

    def lines(self) -> list[str]:
        """Say it for whoever reads the goal; a person may change it."""
        (first, _), *rest = self.steps
        names = ", ".join(name for name, _ in rest)
        red = (
            " Where tests are red, `fix` comes first: a guard that fails lets nothing be kept."
            if self.has_tests
            else ""
        )
        handed = f" Open it with the option chain = `{names}`: each hands on what it found, once round." if rest else ""
        return [
            f"{' -> '.join(name for name, _ in self.steps)}; a person may change it. Begin with `{first}`."
            + ("" if first in {"plan", LOOP} else handed)
            + (red if first == "plan" else ""),
            *(f"- {name}: {why}" for name, why in self.steps),
        ]


def chain_for(goal: str, *, has_tests: bool) -> Chain:
    """Return the way to a goal: by the quality that it asks for, where it asks for none by its words, else the loop."""
    said = words_of(goal)
    qualities = wished(goal)
    by_quality = next((_BY_QUALITY[one] for one in qualities[:1] if one in _BY_QUALITY), None)
    by_words = next(
        (steps for words, steps in _BY_WORDS.items() if any(re.fullmatch(words, one) for one in said)), None
    )
    steps = by_quality or (by_words if not qualities else None) or _IMPROVE
    return Chain(steps, has_tests)
