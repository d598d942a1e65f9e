"""Who sits on a panel, and what each one is there for."""

from __future__ import annotations

from enum import StrEnum

STANDARD = {
    "architect": "structure: coupling, boundaries, what cannot be changed without breaking something else",
    "security-analyst": "what an attacker could do: input that is trusted, secrets, permissions, injection",
    "devils-advocate": "what the others will agree on too quickly: question the obvious, look where nobody looks",
    "performance-engineer": "time and memory: work that grows with the data, waiting, what is done twice",
    "reliability-engineer": "what breaks at night: errors that are swallowed, retries, limits, half-done work",
    "tester": "what no test would notice: untested paths, assumptions, values at the edge",
    "operator": "running it: configuration, deployment, logs, what nobody could find out afterwards",
    "maintainer": "the next person to change it: what misleads, what is written twice, what is dead",
}
"""The usual panel; the first three sit on every panel of it."""
ADVERSARIAL = {
    "red-team": "breaking in from outside: every way that input takes to something worth having",
    "blue-team": "defence: what is not checked, not logged, not limited, and would not be noticed",
    "judge": "whether an attack would really work: doubt every claim, ask for the missing step",
    "insider": "harm by somebody with rights: what a colleague, a customer or a script could abuse",
    "supply-chain": "what is taken from others: dependencies, build, downloads, generated code",
    "cheater": "getting an advantage within the rules: limits that can be dodged, states that can be forced",
    "scaler": "exhaustion: what costs the sender little and the system much",
    "newcomer": "harm by mistake: what somebody does wrong who believes what names and documents say",
}
"""The panel that looks for attacks."""
CONTRARIAN = frozenset({"devils-advocate", "judge"})
"""Those who have to speak against the majority."""


class TroubleCategory(StrEnum):
    """What kind of trouble a finding foresees."""

    CORRECTNESS = "correctness"
    SECURITY = "security"
    PERFORMANCE = "performance"
    RELIABILITY = "reliability"
    MAINTAINABILITY = "maintainability"
    OPERATIONS = "operations"


def seats(adversarial: bool, count: int) -> dict[str, str]:
    """The first so many personas of a panel, with what each looks at."""
    return dict(list((ADVERSARIAL if adversarial else STANDARD).items())[:count])
