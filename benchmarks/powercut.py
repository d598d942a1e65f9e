"""Cuts a server off from the power at any step, lets a fresh one meet each state that the disk may then hold, and looks what broke.

Run it from a clone, with the Python that the package and its test tools are installed in:
`python benchmarks/powercut.py --states 200 --seed 1`. Each act of `tests/outage.py` is recorded once, system call by system call,
and of what the disk may hold after it (the model is in `tests/powercut.py`) so many states are tried for each order in which
names may come to the disk. A state takes a second or two. Needs `strace`. Linux only.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).parent.parent / "tests"
sys.path.insert(0, str(TESTS))

from kill9 import own_git
from outage import ACTS, FAULTS, broken, prepared, recorded
from powercut import Order, states
from recorded import unavailable


def main() -> int:
    """Try as many states as are asked for; the exit status tells whether something broke."""
    options = _options()
    if why := unavailable():
        print(why)
        return 2
    found = 0
    for act in [options.act] if options.act else ACTS:
        with tempfile.TemporaryDirectory() as folder:
            os.environ.update(own_git(Path(folder)))
            project = prepared(Path(folder) / "repo", act)
            recording = recorded(project, act, options.fault)
            for order in Order:
                tried, problems = 0, list[str]()
                for state in states(recording, order, options.states, options.seed):
                    tried += 1
                    if problem := broken(state, act, project.root):
                        problems.append(problem)
                        print(f"  {problem[:500]}", flush=True)
                steps = len(recording.steps)
                print(f"{act}, {order}: {tried} states of {steps} steps, {len(problems)} broken", flush=True)
                found += len(problems)
    print(f"broken states: {found}")
    return bool(found)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--states", type=int, default=200, help="of each act and order")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--act", choices=ACTS, default="")
    parser.add_argument(
        "--fault", choices=FAULTS, default="", help="what the recorded server leaves out, to see it found"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
