"""Keeps one leg: starts the agent in a session of its own, and ends it and all that it started once the driver says so, or is gone.

`leg.py` starts it with its own end of a pipe as standard input: whatever becomes of the driver, the pipe then ends. What is
measured at that moment goes on under its own supervisor, and the next server joins it.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from contextlib import suppress

from ..process.leftovers import LEG_MARK, end_marked
from ..process.processes import descendants, prctl, send_signal

LOOK_S, LAST_WORDS_S, GRACE_S = 0.2, 3.0, 8.0
_PARENT_DEATH = 1


def mark_of(leg: str) -> bytes:
    """Return how a process of a leg shows it in its environment."""
    return f"{LEG_MARK}={leg}".encode()


def main(arguments: list[str]) -> int:
    """Run the command with a file as its input; returns its exit status, 128 and more where a signal ended it."""
    prompt, *command = arguments
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    with open(prompt, "rb") as given:
        try:
            agent = subprocess.Popen(command, stdin=given, start_new_session=True, preexec_fn=_usual)  # noqa: PLW1509 - no threads here
        except OSError as error:
            sys.stderr.write(f"{command[0]}: {error.strerror}\n")
            return 127
    while agent.poll() is None and not select.select([0], [], [], LOOK_S)[0]:
        pass
    if agent.poll() is None:
        _end(agent)
    end_marked(mark_of(os.environ[LEG_MARK]))
    code = agent.wait()
    return 128 - code if code < 0 else code


def _usual() -> None:
    """In the agent, before it begins: signals as usual, and an end with this process, should that be killed."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    prctl(_PARENT_DEATH, signal.SIGTERM)


def _end(agent: subprocess.Popen[bytes]) -> None:
    """INT the agent, at which some clients still tell what they spent; TERM its group, and KILL it with all below it, where it does
    not end in time.
    """
    below = descendants(agent.pid)
    for pid, number, seconds in ((agent.pid, signal.SIGINT, LAST_WORDS_S), (-agent.pid, signal.SIGTERM, GRACE_S)):
        send_signal(pid, number)
        with suppress(subprocess.TimeoutExpired):
            agent.wait(seconds)
            break
    for pid in (*below, *descendants(agent.pid)):
        send_signal(pid, signal.SIGKILL)
    send_signal(-agent.pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
