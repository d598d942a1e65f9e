"""The process that speaks to an engine: libraries of clusters print, take signals and start threads, which a server cannot have.

It holds one end of a socket. In come orders to begin and to end, by numbers; out goes what became of each. With the server it ends,
and with it every job; and by itself when there was nothing to do for a while.
"""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from .engines import Came, Engine, Job, engine, short

logger = logging.getLogger(__name__)
TICK_S = 0.02
IDLE_S = 300.0
"""How long it stays without a job, in seconds: the next one would wait until the engine is there again."""
READY = 0
"""The number under which it tells that the engine is there, or why it is not."""


def serve(line: Connection, name: str, *options: str) -> None:
    """Begin and end jobs as asked, and tell what became of them, until the server is gone."""
    try:
        room = engine(name, dict(option.split("=", 1) for option in options))
    except Exception as error:
        logger.exception("the engine cannot be reached")
        line.send((READY, Came(why=short(error))))
        return
    line.send((READY, Came()))
    jobs: dict[int, Any] = {}
    with suppress(EOFError, OSError):
        while True:
            if line.poll(TICK_S if jobs else IDLE_S):
                number, node, but, given = line.recv()
                if given:
                    try:
                        jobs[number] = room.begin(given, node, but)
                    except Exception as error:
                        logger.exception("the engine took no order")
                        line.send((number, Came(why=short(error))))
                elif number in jobs:
                    room.end(jobs[number])
            elif not jobs:
                break
            for number, came in [(number, _came(room, job)) for number, job in jobs.items()]:
                if came is not None:
                    del jobs[number]
                    line.send((number, came))
    for job in jobs.values():
        room.end(job)


def _came(room: Engine[Job], job: Job) -> Came | None:
    try:
        return room.came(job)
    except Exception as error:
        logger.exception("no answer, whatever the engine says of it")
        return Came(why=short(error))


if __name__ == "__main__":
    serve(Connection(int(sys.argv[1])), *sys.argv[2:])
