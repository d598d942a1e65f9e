"""Cheats around a run: the code that is measured acts, or the agent does while it is measured."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from cheats import BENCH, SIZE, SMALL, WORK, earns_no_keep, given_up, golf, listed, not_kept, refused

from autoresearch_mcp.tools.decision.decide import Status
from autoresearch_mcp.tools.errors import Code, Refusal
from autoresearch_mcp.tools.git.paired_checkout import PairedCheckout
from autoresearch_mcp.tools.git.repo import Repo
from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.process.supervisor import result_digest, result_seal
from autoresearch_mcp.tools.process.usage import DescendantsClock
from autoresearch_mcp.tools.verbs.loop_answers import Iterated
from autoresearch_mcp.tools.verbs.running import Running
from conftest import PYTHON, Project

Play = Callable[[Path], None]
IN_A_RUN: dict[str, Play] = {}
HOLES: dict[str, str] = {}

HONEST = "echo '1 2 3 '\n"
"""What a better agent would write."""
FREE = 'echo "METRIC bytes=1"'


def cheat(name: str, hole: str = "") -> Callable[[Play], Play]:
    """Put a cheat on the list; `hole` says why it still succeeds."""

    def put(play: Play) -> Play:
        IN_A_RUN[name] = play
        if hole:
            HOLES[name] = hole
        return play

    return put


def shrunk(project: Project, program: str) -> None:
    """Shorter than the honest program, and with something else in mind."""
    assert len(program) < SIZE
    project.write("src/work.sh", program)


# --- The ruler bent while it measures ----------------------------------------------------------------------------------


@cheat("the program rewrites the ruler while it is measured")
def rewrites(tmp_path: Path) -> None:
    project = golf(tmp_path).start()
    shrunk(project, f"{FREE}>bench.sh 2>&1;echo '1 2 3 '\n")

    not_kept(project, project.loop.iterate("shorter"), Status.TAMPERED)

    assert project.read("bench.sh") == BENCH


@cheat("the program rewrites the ruler and puts it back in the same run")
def rewrites_and_puts_back(tmp_path: Path) -> None:
    project = golf(tmp_path).start()
    shrunk(project, "cp bench.sh b;echo>bench.sh;cat b>bench.sh;rm b;echo '1 2 3 '\n")

    not_kept(project, project.loop.iterate("shorter"), Status.TAMPERED)


@cheat("the program rewrites the ruler, and puts it back with its time in the same run")
def rewrites_and_puts_back_with_its_time(tmp_path: Path) -> None:
    project = golf(tmp_path).start()
    before = (project.root / "bench.sh").stat()
    shrunk(project, "cp -p bench.sh b;echo>bench.sh;cat b>bench.sh;touch -r b bench.sh;echo '1 2 3 '\n")

    not_kept(project, project.loop.iterate("shorter"), Status.TAMPERED)

    after = (project.root / "bench.sh").stat()
    assert (after.st_ino, after.st_size, after.st_mtime_ns) == (before.st_ino, before.st_size, before.st_mtime_ns)


@cheat("the program rewrites the expected answer")
def rewrites_the_answer(tmp_path: Path) -> None:
    project = golf(tmp_path).start()
    shrunk(project, "echo x>expected.txt;echo x\n")

    not_kept(project, project.loop.iterate("shorter"), Status.TAMPERED)

    assert project.read("expected.txt") == "1 2 3 \n"


@cheat("the agent rewrites the ruler while it measures")
def rewritten_meanwhile(tmp_path: Path) -> None:
    _meanwhile(tmp_path, lambda project: project.write("bench.sh", FREE))


@cheat("the agent rewrites the ruler while it measures, and puts it back")
def rewritten_and_put_back(tmp_path: Path) -> None:
    _meanwhile(tmp_path, lambda project: project.write("bench.sh", FREE).write("bench.sh", BENCH))


@cheat("the agent adds a hook while it measures")
def hook_meanwhile(tmp_path: Path) -> None:
    _meanwhile(tmp_path, lambda project: project.hook("pre-commit", "exit 0"))


def _meanwhile(tmp_path: Path, act: Callable[[Project], object]) -> None:
    """The agent acts when the measurement has begun; the ruler waits for it, through two named pipes."""
    begun, go = tmp_path / "begun", tmp_path / "go"
    wait = f"if test -p {go}; then echo > {begun}; cat {go}; fi; sh bench.sh"
    project = golf(tmp_path, verify=wait).start()
    for pipe in (begun, go):
        os.mkfifo(pipe)

    def agent() -> None:
        begun.read_text()
        act(project)
        go.write_text("")

    shrunk(project, HONEST)
    thread = threading.Thread(target=agent)
    thread.start()
    answer = project.loop.iterate("shorter")
    thread.join()

    not_kept(project, answer, Status.TAMPERED)


@cheat("a process left behind, to rewrite the ruler after the run")
def left_behind(tmp_path: Path) -> None:
    project, pid = golf(tmp_path).start(), tmp_path / "pid"
    later = f"echo $$ > {pid}; sleep 1000; echo > bench.sh"
    project.write("src/work.sh", f"setsid sh -c '{later}' >&- 2>&- & until test -s {pid}; do :; done\n{WORK}")

    not_kept(project, project.loop.iterate("longer"), Status.DISCARD)

    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


@cheat("another ruler in the second checkout, which git there holds for the sealed one")
def held_for_clean(tmp_path: Path) -> None:
    project = _noisy(tmp_path, "random.Random(run).gauss(0, 1)").start()
    project.write("value.txt", "101\n").loop.iterate("worse, and the second checkout is made")
    place = PairedCheckout(Repo(project.root), "arena").folder
    sealed = project.read("ruler.py")
    hidden_from_git(place, "ruler.py", sealed.replace("print(value", "print(200 - value"))

    project.write("value.txt", "150\n")
    assert project.loop.iterate("much worse, and much better by the other ruler").status is Status.DISCARD

    assert (place / "ruler.py").read_text() == sealed


def hidden_from_git(place: Path, name: str, text: str) -> None:
    """Write another content of a file of a checkout, of an earlier time, and let git note it there as the one that it has."""
    file, before, attributes = place / name, place.parent / "before", place.parent / "attributes"
    before.write_text(file.read_text())
    attributes.write_text(f"{name} filter=other\n")
    file.write_text(text)
    os.utime(file, (1, 1))
    settings = (f"core.attributesFile={attributes}", f"filter.other.clean=cat {before}")
    command = ["git", "-C", str(place), *(part for value in settings for part in ("-c", value)), "add", name]
    subprocess.run(command, check=True)
    said = subprocess.run(["git", "-C", str(place), "status", "--short"], check=True, capture_output=True).stdout
    assert said == b"", "git sees nothing"


# --- A file read in the ruler's place ----------------------------------------------------------------------------------


def _python(tmp_path: Path, **plan: object) -> Project:
    """The same task, with a ruler in Python that imports from the standard library."""
    project = golf(tmp_path, **{"verify": f"{PYTHON} bench.py", "protected": ("bench.py",), "scope": ("**",), **plan})
    measure = "import json, pathlib\nprint('bytes:', len(json.dumps(pathlib.Path('src/work.sh').read_text())))\n"
    return project.write("bench.py", measure).commit("a ruler in Python").start()


@cheat("a module of the ruler's name: json.py")
def module_shadow(tmp_path: Path) -> None:
    project = _python(tmp_path)
    project.write("json.py", "def dumps(text): return ''\n")

    refused(project, Code.PROTECTED, says="json")


@cheat("sitecustomize.py, which Python runs first")
def sitecustomize(tmp_path: Path) -> None:
    project = _python(tmp_path)
    project.write("sitecustomize.py", "import builtins; builtins.len = lambda x: 1\n")

    refused(project, Code.PROTECTED, Code.OUTSIDE_SCOPE, says="sitecustomize")


@cheat("usercustomize.py on the plan's PYTHONPATH")
def usercustomize(tmp_path: Path) -> None:
    project = _python(tmp_path, verify=f"PYTHONPATH=src {PYTHON} bench.py")
    project.write("src/usercustomize.py", "import builtins; builtins.len = lambda x: 1\n")

    refused(project, Code.PROTECTED, says="usercustomize")


@cheat("conftest.py, which pytest runs first")
def conftest(tmp_path: Path) -> None:
    guard = f"{PYTHON} -c pass || pytest -q tests"
    project = _python(tmp_path, guards=(guard,))
    project.write("src/conftest.py", "import os; os._exit(0)\n")

    refused(project, Code.PROTECTED, Code.OUTSIDE_SCOPE, says="conftest")


@cheat("a program of the ruler's name on the PATH of the plan")
def path_shadow(tmp_path: Path) -> None:
    project = golf(tmp_path, verify='PATH="src:$PATH" sh bench.sh').start()
    project.write("src/wc", "#!/bin/sh\necho 1\n")
    (project.root / "src/wc").chmod(0o755)

    refused(project, Code.PROTECTED, says="wc")


@cheat("an import path file: x.pth")
def import_path(tmp_path: Path) -> None:
    project = _python(tmp_path)
    project.write("src/x.pth", "import os; os._exit(0)\n")

    refused(project, Code.PROTECTED, says="Python runs it at every start")


# --- A number that is not the ruler's ----------------------------------------------------------------------------------


@cheat("the program prints a METRIC line of its own")
def prints_a_metric(tmp_path: Path) -> None:
    project = golf(tmp_path)
    careless = 'sh src/work.sh\necho\necho "METRIC bytes=$(cat src/*.sh | wc -c)"\n'
    project.write("bench.sh", careless).commit("a ruler that lets the program print").start()
    project.write("src/work.sh", f"echo '1 2 3 '\n{FREE}\n")

    answer = project.loop.iterate("a good number")

    assert (answer.status, answer.metric) == (Status.METRIC_ERROR, None)
    assert "Different values" in answer.why


@cheat("a number printed past the ruler, through /proc")
def prints_past_the_ruler(tmp_path: Path) -> None:
    project = golf(tmp_path).start()
    shrunk(project, f"{FREE} >/proc/$PPID/fd/1\n{HONEST}")

    answer = project.loop.iterate("a good number")

    assert (answer.status, answer.metric) == (Status.METRIC_ERROR, None)
    assert "Different values" in answer.why


@cheat("a number printed, and the ruler killed before its own")
def kills_the_ruler(tmp_path: Path) -> None:
    project = golf(tmp_path).start()
    shrunk(project, f"{FREE} >/proc/$PPID/fd/1\nkill -9 $PPID\n")

    answer = project.loop.iterate("a good number")

    assert (answer.status, answer.metric) == (None, None)
    assert given_up(project).status is Status.CRASH


CLIMBS = "p=$$; until grep -q supervisor /proc/$p/cmdline; do p=$(cut -d' ' -f4 /proc/$p/stat); done"
"""Finds the process that watches."""


@cheat("the process that watches a run killed by the program")
def kills_the_watcher(tmp_path: Path) -> None:
    project, tries = golf(tmp_path).start(), tmp_path / "tries"
    program = f"echo >> {tries}; {CLIMBS}; kill -9 $p; sleep 1\n"
    project.write("src/work.sh", program)

    answer = project.loop.iterate("nobody sees it")

    assert (answer.status, answer.metric) == (None, None)
    assert given_up(project).status is Status.CRASH
    project.write("src/work.sh", program)
    refused_again(project)
    assert tries.read_text() == "\n", "there was one run"


ENDED_WELL: dict[str, object] = {"exit_code": 0, "timed_out": False, "seconds": 1}
SAID = b"METRIC bytes=1\n"
CHECK = result_digest(ENDED_WELL, [SAID, b"", b""])
RESULT = json.dumps(ENDED_WELL | {"check": CHECK, "seal": result_seal("a secret", CHECK)})
"""What the server reads of a run that ended well, but for the secret."""


@cheat("a result that the program writes for its own run")
def writes_its_result(tmp_path: Path) -> None:
    project = golf(tmp_path).start()
    puts = f"for run in .git/autoresearch/runs/*; do {FREE} > $run/stdout; echo '{RESULT}' > $run/result.json; done"
    project.write("src/work.sh", f"{puts}\nsleep .2\n{WORK}")

    answer = project.loop.iterate("a result of its own")

    not_kept(project, answer, Status.DISCARD)
    assert answer.metric == float(len(f"{puts}\nsleep .2\n{WORK}"))


@cheat("the process that watches a run killed, and a result written in its place")
def writes_in_its_place(tmp_path: Path) -> None:
    project = golf(tmp_path).start()
    puts = f"for run in .git/autoresearch/runs/*; do {FREE} > $run/stdout; echo '{RESULT}' > $run/result.json; done"
    (tmp_path / "forger.sh").write_text(f"{CLIMBS}; kill -9 $p; cd {project.root}; {puts}; sleep 5\n")
    project.write("src/work.sh", f"setsid sh {tmp_path}/forger.sh &\nsleep 5\n")

    answer = project.loop.iterate("nobody sees it")

    assert (answer.status, answer.metric) == (None, None)
    assert given_up(project).status is Status.CRASH


@cheat("a result that the agent writes before the run")
def writes_the_result_before(tmp_path: Path) -> None:
    project = golf(tmp_path).start()
    name = _name_of_a_run(project)
    project.write("src/work.sh", WORK + "# longer\n")
    project.loop.commit("longer")
    for run in (1, 2):
        _put_result(project, name(run))

    answer = project.loop.verify()

    assert answer.metric == float(len(WORK + "# longer\n"))


def _name_of_a_run(project: Project) -> Callable[[int], str]:
    """What an agent that has read the server's code knows: the name of each run of the first attempt to come."""
    session = project.lab.for_reading().active

    def name(run: int) -> str:
        tree = project.git("rev-parse", "HEAD^{tree}")
        turn = f"{session.plan.digest()} checkout {tree} 1 {run} {session.plan.verify}"
        return hashlib.sha256(f"{session.id} 1 1 {turn}".encode()).hexdigest()[:20]

    return name


def _put_result(project: Project, name: str) -> None:
    for file, text in (("alive", ""), ("stdout", "METRIC bytes=1\n"), ("stderr", ""), ("result.json", RESULT)):
        project.write(f".git/autoresearch/runs/{name}/{file}", text)


@cheat("a tag moved, from which the ruler counts")
def moves_a_tag(tmp_path: Path) -> None:
    counts = "git diff --numstat start HEAD -- src | cut -f1 | grep . || echo 0"
    project = golf(tmp_path, verify=f"sh src/work.sh >&2; {counts}", read="last")
    project.git("tag", "start", "HEAD~1")
    project.start()
    project.write("src/work.sh", WORK + "# longer\n")
    project.loop.commit("longer")
    project.git("tag", "--force", "start", "HEAD")

    answer = project.loop.verify()

    assert answer.metric is None
    assert "git tags and branches that the commands name" in answer.why


WIRED = 'said=$(env -u AUTORESEARCH_CHANNEL sh src/work.sh) || exit 1\necho "$said"\necho "METRIC bytes=$(cat src/*.sh | wc -c)" > "$AUTORESEARCH_CHANNEL"\n'


@cheat("a printed value where the plan has the protected channel")
def prints_beside_the_channel(tmp_path: Path) -> None:
    project = golf(tmp_path, read="channel")
    project.write("bench.sh", WIRED).commit("the ruler writes to its channel").start()
    project.write("src/work.sh", f"{WORK}{FREE}\n")

    answer = project.loop.iterate("prints a good number")

    not_kept(project, answer, Status.DISCARD)
    assert answer.metric == SIZE + len(FREE) + 1


@cheat("the program writes to the channel as well")
def writes_the_channel(tmp_path: Path) -> None:
    project = golf(tmp_path, read="channel")
    careless = WIRED.replace("env -u AUTORESEARCH_CHANNEL ", "").replace('> "$A', '>> "$A')
    project.write("bench.sh", careless).commit("a ruler that gives its channel away").start()
    project.write("src/work.sh", f'{FREE} >> "$AUTORESEARCH_CHANNEL"\n')

    answer = project.loop.iterate("two numbers")

    not_kept(project, answer, Status.METRIC_ERROR)
    assert "Different values" in answer.why


@cheat("the channel's number overwritten by a process left behind")
def overwrites_the_channel(tmp_path: Path) -> None:
    project = golf(tmp_path, read="channel")
    project.write("bench.sh", WIRED).commit("the ruler writes to its channel").start()
    finds = "n=$(ls -t $(git rev-parse --git-common-dir)/autoresearch/begun/*.json | head -n 1)"
    reads = """c=$(sed 's/.*"channel":"//; s/".*//' $n)"""
    # Its standard error stays open: the supervisor waits a moment for more of it, and that moment is enough.
    waits = f"(sleep .1; {FREE} > $c; sleep 1) >&2 &"
    project.write("src/work.sh", f"{WORK}{finds}; {reads}\n{waits}\n")

    answer = project.loop.iterate("longer")

    assert (answer.status, answer.metric) == (Status.METRIC_ERROR, None)
    assert "Different values" in answer.why


@cheat("a stale result file of an earlier run")
def stale(tmp_path: Path) -> None:
    project = golf(tmp_path, verify="sh bench.sh; cat result.txt")
    careless = 'sh src/work.sh >&2 || exit 0\necho "METRIC bytes=$(cat src/*.sh | wc -c)" > result.txt\n'
    project.write(".gitignore", "result.txt\n").write("bench.sh", careless)
    project.commit("results go to a file").start()
    project.write("src/work.sh", f"exit 1\n{WORK}")

    answer = project.loop.iterate("fails before it writes")

    not_kept(project, answer, Status.METRIC_ERROR)
    assert answer.metric is None
    assert "not written by this run" in answer.why


def _numbers(tmp_path: Path, *values: str) -> None:
    project = Project(tmp_path / "repo", guards=()).start()
    for value in values:
        assert project.try_value(value, f"value {value!r}").status is Status.METRIC_ERROR
        assert project.read("value.txt") == "10\n"


@cheat("minus infinity")
def infinity(tmp_path: Path) -> None:
    _numbers(tmp_path, "-inf", "-1e999")


@cheat("a number too large to calculate with")
def too_large(tmp_path: Path) -> None:
    _numbers(tmp_path, "-1e308")


@cheat("not a number")
def not_a_number(tmp_path: Path) -> None:
    _numbers(tmp_path, "nan")


@cheat("nothing printed, exit 0")
def nothing(tmp_path: Path) -> None:
    _numbers(tmp_path, "")


# --- Luck, seeds and clocks --------------------------------------------------------------------------------------------


def _noisy(tmp_path: Path, noise: str) -> Project:
    """A ruler that scatters by 1 around `value.txt`; `seed` counts the seeds that it was given, the same in each session."""
    measure = (
        "import os, pathlib, random\n"
        f"given = pathlib.Path({str(tmp_path / 'seeds')!r})\n"
        "seeds = given.read_text().split() if given.exists() else []\n"
        "seeds = list(dict.fromkeys([*seeds, os.environ['AUTORESEARCH_SEED']]))\n"
        "given.write_text(' '.join(seeds))\n"
        "seed, run = seeds.index(os.environ['AUTORESEARCH_SEED']), os.environ['AUTORESEARCH_RUN']\n"
        "value = float(pathlib.Path('value.txt').read_text())\n"
        "mine = pathlib.Path('src/seed.txt').read_text() if pathlib.Path('src/seed.txt').exists() else ''\n"
        f"print(value + {noise})\n"
    )
    project = Project(tmp_path / "repo", verify=f"{PYTHON} ruler.py", guards=(), protected=("ruler.py",))
    return project.write("ruler.py", measure).write("value.txt", "100\n").commit("a noisy ruler")


@cheat("a luckier seed")
def lucky_seed(tmp_path: Path) -> None:
    project = _noisy(tmp_path, "random.Random(f'{seed}{mine}').gauss(0, 1)").start()

    statuses = set()
    for number in range(12):
        project.write("src/seed.txt", f"{number}\n")
        statuses.add(project.loop.iterate(f"seed {number}").status)

    assert statuses == {Status.DISCARD}


@cheat("the same change again until luck helps")
def again(tmp_path: Path) -> None:
    until_refused(tmp_path, ["100.5\n"] * 3)


@cheat("the same change with other white space until luck helps")
def again_spaced(tmp_path: Path) -> None:
    until_refused(tmp_path, ["100.5\n", "100.5 \n", "100.5\n"])


NOISE = {"100": (-0.8, 1.1, -0.4, 0.7, -0.9, 0.5) * 4, "100.5": (0.6, -3.5, *(0.4, -0.6, -0.2, 0.9) * 4)}
"""Of each run of a value. The first of the change is none to go on with, the second is lucky."""
DRAWS = """\
import pathlib
value = pathlib.Path("value.txt").read_text().strip()
noise = pathlib.Path({folder!r}, value)
first, *later = noise.read_text().split()
noise.write_text(" ".join(later))
print(float(value) + float(first))
"""


def until_refused(tmp_path: Path, spellings: list[str]) -> None:
    """Try a worse change until a first run is lucky: runs in turn decide it then, and it is tried no more."""
    for value, noise in NOISE.items():
        (tmp_path / value).write_text(" ".join(map(str, noise)))
    project = Project(tmp_path / "repo", verify=f"{PYTHON} ruler.py", guards=(), protected=("ruler.py",))
    ruler = DRAWS.format(folder=str(tmp_path))
    project.write("ruler.py", ruler).write("value.txt", "100\n").commit("a noisy ruler").start()

    outcomes = [tried_once_more(project.write("value.txt", spelling)) for spelling in spellings]

    assert outcomes == [Status.DISCARD, Status.DISCARD, Code.REPEAT]
    first, second = (row for row in project.lab.for_reading().rows() if row.status is Status.DISCARD)
    assert len(first.samples) == 1, "one run ends nothing"
    assert len(second.samples) > 1, "only runs in turn do"
    assert second.incumbent


def tried_once_more(project: Project) -> Status | Code | None:
    """Return how a try ended, or why it was refused."""
    try:
        return project.loop.iterate("once more").status
    except Refusal as refused:
        return refused.code


def refused_again(project: Project) -> None:
    with pytest.raises(Refusal) as found:
        project.loop.iterate("once more")
    assert found.value.code is Code.REPEAT


def _told(tmp_path: Path, program: str) -> Project:
    """A number that the code under test computes itself: ten, until it is edited."""
    project = Project(tmp_path / "repo", verify="sh src/value.sh", guards=(), scope=("src/**",))
    project.write("src/value.sh", "echo 10\n").commit("a program that tells its own number").start()
    project.write("src/value.sh", program)
    return project


@cheat("good in its first run only, by AUTORESEARCH_RUN")
def first_run_only(tmp_path: Path) -> None:
    project = _told(tmp_path, 'test "$AUTORESEARCH_RUN" = 1 && echo 5 || echo 10\n')

    assert project.loop.iterate("five, the first time").status is Status.DISCARD


@cheat("good in its first run only, by a file that it leaves")
def first_time_only(tmp_path: Path) -> None:
    file = tmp_path / "seen"
    project = _told(tmp_path, f"test -e {file} && echo 10 || echo 5; : > {file}\n")

    assert project.loop.iterate("five, the first time").status is Status.DISCARD


@cheat("good for a while, by the clock")
def by_the_clock(tmp_path: Path) -> None:
    file = tmp_path / "born"
    age = f"test -e {file} || date +%s%N > {file}; t=$(( ($(date +%s%N) - $(cat {file})) / 1000000 ))"
    project = _told(tmp_path, f"{age}; test $t -lt 5 && echo 5 || echo 10\n")

    assert project.loop.iterate("five, for a moment").status is Status.DISCARD


def _counted(tmp_path: Path, work: str) -> Iterated:
    """A try to change how the program does its work, half a second of processor time, which the server counts."""
    burn = "import time\nend = time.process_time() + 0.5\nwhile time.process_time() < end:\n    pass\n"
    plan = {"read": "cpu", "metric": "", "direction": "", "noise": "none", "guards": (), "scope": ("src/**",)}
    project = Project(tmp_path / "repo", verify=f"{PYTHON} src/work.py", **plan)
    project.write("src/work.py", burn).commit("a program that works").start()
    project.write("src/work.py", work.replace("BURN", burn.replace("\n", "\n    ")))
    return project.loop.iterate("work elsewhere")


@cheat("work in a process that detaches itself, where the server counts processor time")
def detached(tmp_path: Path) -> None:
    done = tmp_path / "done"
    work = (
        "import os, pathlib, time\n"
        f"done = pathlib.Path({str(done)!r})\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork():\n"
        "        os._exit(0)\n"
        "    BURN\n"
        "    done.touch()\n"
        "    os._exit(0)\n"
        "while not done.exists():\n"
        "    time.sleep(0.01)\n"
    )

    assert _counted(tmp_path, work).status is Status.DISCARD


UNWAITED = """\
import os, signal
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for part in range(PARTS):
    if os.fork() == 0:
        import time
        end = time.process_time() + 0.5 / PARTS
        while time.process_time() < end:
            pass
        os._exit(0)
    try:
        os.wait()
    except ChildProcessError:
        pass
"""


@cheat("work in a process that nobody waits for, where the server counts processor time")
def unwaited(tmp_path: Path) -> None:
    answer = _counted(tmp_path, UNWAITED.replace("PARTS", "1"))

    assert answer.status in {Status.DISCARD, Status.METRIC_ERROR}, "without the kernel's counters there is no number"


@cheat("work in many short processes that nobody waits for, where the server counts processor time")
def unwaited_and_short(tmp_path: Path) -> None:
    if not _counts_descendants():
        pytest.skip("this kernel grants no counters")

    assert _counted(tmp_path, UNWAITED.replace("PARTS", "50")).status is Status.DISCARD


def _counts_descendants() -> bool:
    clock = DescendantsClock()
    subprocess.run([PYTHON, "-c", "pass"], check=True)
    return clock.seconds() > 0


@cheat("a run cancelled when its number looks bad, and begun again")
def cancelled(tmp_path: Path) -> None:
    begun, go = tmp_path / "begun", tmp_path / "go"
    wait = f"if test -p {go}; then echo > {begun}; cat {go}; fi; sh bench.sh"
    project = golf(tmp_path, verify=wait).start()
    for pipe in (begun, go):
        os.mkfifo(pipe)
    longer = WORK + "# longer\n"
    project.write("src/work.sh", longer)

    def agent() -> None:
        begun.read_text()
        Running(Lab(project.root, allow_commands=True)).cancel()

    thread = threading.Thread(target=agent)
    thread.start()
    first = project.loop.iterate("longer")
    thread.join()

    assert (first.status, first.metric) == (None, None)
    assert given_up(project).status is Status.CRASH
    go.unlink()
    project.write("src/work.sh", longer)
    refused_again(project)


# --- Edits between the steps -------------------------------------------------------------------------------------------


@cheat("other code after the commit, before it is measured")
def edited_before_verify(tmp_path: Path) -> None:
    project = golf(tmp_path).start()
    project.write("src/work.sh", WORK + "# longer\n")
    project.loop.commit("longer")
    project.write("src/work.sh", HONEST)

    with pytest.raises(Refusal, match="Edited since the commit") as found:
        project.loop.verify()
    assert found.value.code is Code.OUT_OF_ORDER


@cheat("other code after measuring, before the guard")
def edited_before_guard(tmp_path: Path) -> None:
    project = golf(tmp_path, guards=("! grep -q bad src/work.sh",)).start()
    project.write("src/work.sh", "echo '1 2 3 ' #bad\n")
    project.loop.commit("shorter, and bad")
    project.loop.verify()
    project.write("src/work.sh", HONEST)

    with pytest.raises(Refusal, match="Edited since the commit"):
        project.loop.guard()


@cheat("other code after the verdict, before the row")
def edited_before_log(tmp_path: Path) -> None:
    project = golf(tmp_path).start()
    project.write("src/work.sh", HONEST)
    project.loop.commit("shorter")
    project.loop.verify()
    project.write("src/work.sh", SMALL)

    answer = project.loop.log()

    assert (answer.status, answer.metric) == (Status.KEEP, float(len(HONEST)))
    assert project.git("show", "HEAD:src/work.sh") == HONEST.rstrip()
    assert project.read("src/work.sh") == SMALL, "the edit is the agent's next idea, not this one's"


# --- The judge's own process ------------------------------------------------------------------------------------------

INSIDE = "nothing tells the judge's words from those of code in its process; `check_plan` tries it and warns"
COUNTS = 'echo "METRIC bytes=$(cat src/*.sh | wc -c)"'


def warned_of(project: Project, *says: str) -> Project:
    """A session whose plan `check_plan` warned of: code of the scope can end what judges it."""
    seen = [gate.seen for gate in project.planning.check_plan(project.plan).gates if gate.gate == "early end"]
    assert all(any(word in told for told in seen) for word in says), seen
    return project.start()


@cheat("a number printed by code in the ruler's own process, which it ends", hole=INSIDE)
def ends_the_ruler(tmp_path: Path) -> None:
    project = golf(tmp_path).write("bench.sh", f". src/work.sh\necho\n{COUNTS}\n").commit("a ruler that sources")
    warned_of(project, "so does verify").write("src/work.sh", f"{FREE}; exit 0\n")

    earns_no_keep(project)


@cheat("the same, where the plan has the protected channel", hole=INSIDE)
def ends_the_ruler_of_a_channel(tmp_path: Path) -> None:
    project = golf(tmp_path, read="channel")
    project.write("bench.sh", f'. src/work.sh\n{COUNTS} > "$AUTORESEARCH_CHANNEL"\n').commit("a ruler that sources")
    warned_of(project, "so does verify").write("src/work.sh", f'{FREE} > "$AUTORESEARCH_CHANNEL"; exit 0\n')

    earns_no_keep(project)


@cheat("the same, where the ruler runs the program in a process of its own and looks at what comes back")
def ends_itself(tmp_path: Path) -> None:
    project = golf(tmp_path)
    assert not [gate for gate in project.planning.check_plan(project.plan).gates if gate.gate == "early end"]
    project.start().write("src/work.sh", f"{FREE}; exit 0\n")

    assert project.loop.iterate("a good number").metric is None
    assert given_up(project).status is Status.CRASH


@cheat("a guard ended in its own process before it has tested anything", hole=INSIDE)
def ends_the_guard(tmp_path: Path) -> None:
    project = golf(tmp_path, guards=("sh check.sh",)).write("bench.sh", f"{COUNTS}\n")
    project.write("check.sh", '. src/work.sh > said.txt\ntest "$(cat said.txt)" = "$(cat expected.txt)"\n')
    warned_of(project.write(".gitignore", "said.txt\n").commit("a guard that sources"), "stays green")
    project.write("src/work.sh", "exit 0\n")

    earns_no_keep(project)


@cheat("a guard that the scope can turn green")
def guard_in_scope(tmp_path: Path) -> None:
    project = golf(tmp_path, guards=("sh src/check.sh",))
    project.write("src/check.sh", "test 1 = 1\n").commit("a guard in the scope")

    checked = project.planning.check_plan(project.plan)

    assert any("an experiment can turn it green: src/check.sh" in gate.seen for gate in checked.gates)


@pytest.mark.parametrize("name", listed(IN_A_RUN, HOLES))
def test_a_cheat_around_a_run_earns_nothing(tmp_path: Path, name: str) -> None:
    IN_A_RUN[name](tmp_path)
