"""An open iteration brought to its end, where no agent is there to do it."""

from __future__ import annotations

from collections.abc import Callable

from ..errors import Code, Refusal
from ..lab.access import Lab
from ..lab.answers import Answer
from ..verbs.loop import Loop
from ..verbs.loop_answers import Iterated
from ..vocabulary import Phase

PATIENCE, PAUSE_S = 40, 0.5
WHY = "the run was ended before the agent could go on with this idea"


def settle(lab: Lab, pause: Callable[[float], None], why: str = WHY, tries: int = PATIENCE) -> Iterated | None:
    """Bring an open iteration to its end: measured and decided where its change is committed, else taken back, because of `why`.
    Returns what came of it. Waits a moment, so many times, for a git that outlived the agent's server.

    Raises:
        Refusal: if something stands in the way.
    """
    loop = Loop(lab)
    steps: dict[Phase, Callable[[], Answer]] = {
        Phase.COMMITTED: loop.verify,
        Phase.VERIFIED: loop.guard,
        Phase.FIX: lambda: loop.revert(why),
        Phase.REWORK: lambda: loop.revert(why),
        Phase.DISCARDED: lambda: loop.revert(why),
        Phase.JUDGED: loop.log,
    }
    done: Answer | None = None
    while True:
        try:
            lab.finish_interrupted()
            if (step := steps.get(lab.for_reading().phase)) is None:
                break
            done = step()
        except Refusal as refusal:
            tries -= 1
            if refusal.code is not Code.BUSY or not tries:
                raise
            pause(PAUSE_S)
    return done if isinstance(done, Iterated) else None
