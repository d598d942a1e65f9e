"""Which prompts lead to a goal in a person's words, in which order."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .goals import Quality, wished, words_of

_DOES: Mapping[str, str] = {
    "plan": "one number that says when it is better, measured by a command",
    "autoresearch": "edits, each measured, kept or taken back",
    "ship": "it checks what a release needs, in a clean checkout, and publishes nothing without a yes",
    "regression": "it runs what worked before once more, on both versions, and names what differs",
    "fix": "it counts failing tests, type and lint errors, and brings them to none",
    "debug": "it proves the cause by an experiment",
    "security": "it audits the code, each finding shown by a run",
    "learn": "it holds what documents say against the code",
    "probe": "it asks what nobody has said, answers from files, and ends with a plan that was tried",
    "scenario": "it lists situations, told as opinions",
    "predict": "several views foretell what will break; only experiments confirm",
    "reason": "candidates are argued out, blind",
    "improve": "it ranks what users lack, each with what shows it",
    "evals": "it says what the results tell: go on, stop or change",
}
"""What each prompt does."""

READY: Mapping[str, str] = {
    "quality": "predict, debug, fix, regression",
    "feature": "probe, scenario, debug, fix, regression, ship",
    "incident": "debug, fix, regression, ship",
    "hardening": "security, fix, regression, ship",
    "release": "regression, ship",
}
"""Chains that have a name, which stands for them wherever a chain may be given."""

_ONWARDS: Mapping[str, str] = {
    "plan": "autoresearch ship",
    "probe": "plan autoresearch ship",
    "improve": "plan",
    "debug": "fix regression ship",
    "fix": "regression ship",
    "security": "fix regression ship",
    "regression": "ship",
    "flaky": "debug fix ship",
    "learn": "ship",
    "scenario": "debug fix",
    "predict": "debug fix",
}
"""What follows on the first prompt of a way."""
_ASKED: Mapping[str, str] = {
    "debug": "root cause",
    "evals": r"flatten\w*|plateau\w*|(last|over) ?night|how did .* (go|do)|(go|keep) (on|going)|more (experiments|iterations)|(results?|experiments?) (file|tsv|log|say|tell|mean|help\w*)"
    r"|last experiments|(analy[sz]e|evaluate|read) .*(results?|runs?|experiments)",
    "regression": r"(?<!linear )(?<!logistic )regress\w*(?! model)|still (behaves?|works?|the same)|(break|broke|broken) (any|some)thing"
    r"|as before|compatib\w*|chang\w* (between|(the |its |any )?(behaviou?r|outputs?))",
    "security": r"(?<!-)safe|(?<!dependency )inject\w*|attack\w*|hack\w*|holes?|untrusted|strangers?|malicious|audit|pentest|xss|csrf"
    r"|another user|abuse\w*|threats?|leak (keys?|secrets?|passwords?|tokens?|data)",
    "learn": r"(no longer|not) match\w*|out of date|outdated|newcomers?|onboard\w*|understand|explain\w*",
    "probe": r"requirements?|prd|unclear|interview|vague\w*|(know|sure|decide|out) what|what (we|i) (really )?(need|want)|idea for",
    "improve": r"(users?|customers?|people) (ask|want|miss|lack|need|wish|complain)\w*|features|roadmap|competitors?|improvements"
    r"|(build|add|do) next|(is|are|customers|users|product) (miss|lack)\w*",
    "reason": r"decid\w*|decision|choose|pick|compare|vs|settle|alternatives?|trade-?offs?|pros|which of|(should|shall|better) .* or .*|^\S+ or \S+ .*",
    "predict": r"review|risks?|predict\w*|foresee|(will|could|might|would|can) (break|go wrong|fail)",
    "scenario": r"edge|corner|scenarios?|what[ -](happens|if)|situations?|cases",
}
"""How people ask for what no number tells, the most telling first."""
_BY_QUALITY: Mapping[Quality, str] = {
    Quality.BUGS: "debug",
    Quality.PASSING: "fix",
    Quality.FLAKINESS: "flaky",
    Quality.SECURITY: "security",
    Quality.DOCS: "learn",
}
_TOLD: Mapping[str, str] = {
    "fix": r"(build|ci|pipeline) .*(broken|red|green|fail\w*)",
    "debug": r"why|symptoms?|tracebacks?|exceptions?|hangs?|stuck|freez\w*|deadlocks?|wrong|broken|incorrect|misbehav\w*|fails?|failing"
    r"|sometimes|off by|not work|stopped working|cause",
    "regression": r"releas\w*|publish\w*|deploy\w*|ship|merge|pull-?request",
    "plan": r"lower|higher|raise|reduc\w*|few\w*|(max|min|opt)imi[sz]\w*|scores?|metrics?",
}
"""What they tell where they name nothing that could be measured."""
_BEFORE: Mapping[str, str] = {"debug": r"why|causes?|crash\w*", "fix": r"fix (it|them|this|that)"}
"""What comes before a comparison where somebody asks for both."""


def way_for(goal: str) -> tuple[str, ...]:
    """Return the prompts that lead to a goal: by what it asks; else by the quality that it names, which is for the loop where a
    number tells it; else by its words. Where they say nothing either, somebody has to ask.
    """
    said, qualities = " ".join(words_of(goal)), wished(goal)
    way = _first(_ASKED, said) or next((_BY_QUALITY.get(one, "plan") for one in qualities), "")
    way = way or (_first(_TOLD, said) or _first(_ASKED, goal.lower()) or "probe" if said else "plan")
    way = (_first(_BEFORE, said) or way) if way == "regression" else way
    return ("regression" if way == "flaky" else way, *_ONWARDS.get(way, "").split())


def told_way(goal: str, *, has_tests: bool) -> list[str]:
    """Say it for whoever reads the goal, with what each prompt does; a person may change it."""
    first, *rest = steps = way_for(goal)
    way = f"{' -> '.join(steps)}; a person may change it. Begin with `{first}`."
    if first == "plan":
        red = " Where tests are red, `fix` comes first: a guard that fails lets nothing be kept."
        way += red if has_tests else ""
    elif rest:
        way += f" Open it with the option chain = `{', '.join(rest)}`: each hands on what it found, once round."
    return [way, *(f"- {name}: {_DOES[name]}" for name in steps)]


def _first(table: Mapping[str, str], said: str) -> str:
    return next((way for way, words in table.items() if re.search(rf"(?<!\S)(?:{words})(?!\S)", said)), "")
