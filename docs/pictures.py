"""Makes the pictures of the documentation, in `docs/images/`, from a session that really runs.

    pip install selenium; python docs/pictures.py

It needs Chromium with its driver. The session is made anew each time: a small program is made faster, by edits that
stand below, and each is measured; so the numbers differ from run to run.
"""

from __future__ import annotations

import base64
import io
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from rich.console import Console
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

from autoresearch_mcp.server.cli.watch import TerminalView
from autoresearch_mcp.server.watching import Watch
from autoresearch_mcp.server.web.live import LiveServer
from autoresearch_mcp.tools.errors import Refusal
from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.plan.model import Plan
from autoresearch_mcp.tools.verbs.loop import Loop
from autoresearch_mcp.tools.verbs.review import Review
from autoresearch_mcp.tools.verbs.sessions import Sessions

IMAGES = Path(__file__).parent / "images"
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars"
).split()
HEAD = "def primes(limit):\n    "
SLOW = """found = []
    for number in range(2, limit):
        for divisor in range(2, number):
            if number % divisor == 0:
                break
        else:
            found.append(number)
    return found
"""
GUARD = "from primes import primes\nassert primes(30) == [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]\nassert primes(2) == []\n"
MEASURE = """import time
from primes import primes

times = []
for turn in range(3):
    began = time.perf_counter()
    primes(6000)
    times.append(time.perf_counter() - began)
    print(f"turn {turn + 1}: {1000 * times[-1]:.2f} ms", flush=True)
    time.sleep(0.2)
print(f"milliseconds: {1000 * min(times):.4f}")
"""
PLAN = {
    "goal": "List the primes faster, with the same result",
    "scope": ["primes.py"],
    "protected": ["measure.py", "test_primes.py"],
    "metric": "milliseconds",
    "direction": "lower",
    "verify": f"{sys.executable} measure.py",
    "guards": [f"{sys.executable} test_primes.py"],
    "min_effect": "3%",
    "target": "0.1",
    "iterations": 24,
}
ODD = SLOW.replace("range(2, number)", "range(3, number, 2)")
ROOT = SLOW.replace("range(2, number)", "range(2, int(number**0.5) + 1)")
ALL = "return [n for n in range(2, limit) if all(n % d for d in range(2, int(n**0.5) + 1))]\n"
KNOWN = """found = []
    for number in range(2, limit):
        root = int(number**0.5)
        for divisor in found:
            if divisor > root:
                found.append(number)
                break
            if number % divisor == 0:
                break
        else:
            found.append(number)
    return found
"""
SIEVE = """marks = [True] * limit
    for number in range(2, int(limit**0.5) + 1):
        if marks[number]:
            for multiple in range(number * number, limit, number):
                marks[multiple] = False
    return [number for number in range(2, limit) if marks[number]]
"""
BYTES = """marks = bytearray([1]) * limit
    for number in range(2, int(limit**0.5) + 1):
        if marks[number]:
            marks[number * number :: number] = bytes(len(range(number * number, limit, number)))
    return [number for number in range(2, limit) if marks[number]]
"""
HALF = """if limit < 3:
        return []
    marks = bytearray([1]) * (limit // 2)
    for number in range(3, int(limit**0.5) + 1, 2):
        if marks[number // 2]:
            marks[number * number // 2 :: number] = bytes(len(range(number * number // 2, limit // 2, number)))
    return [2, *(2 * place + 1 for place in range(1, limit // 2) if marks[place])]
"""
PACKED = HALF.replace(
    "[2, *(2 * place + 1 for place in range(1, limit // 2) if marks[place])]",
    "[2, *compress(range(3, limit, 2), marks[1:])]",
).replace("if limit", "from itertools import compress\n\n    if limit", 1)
TRIES = (
    ("test odd divisors only", ODD),
    ("name the list `primes` instead of `found`", SLOW.replace("found", "listed")),
    ("stop at the square root", ROOT),
    ("stop at the square root, computed with math.isqrt", ROOT.replace("int(number**0.5)", "math.isqrt(number)")),
    ("a comprehension with all()", ALL),
    ("divide by the primes found so far", KNOWN),
    ("nothing at all", KNOWN),
    ("skip even numbers in the outer loop", KNOWN.replace("range(2, limit)", "range(3, limit, 2)")),
    ("square the divisor instead of taking a root", KNOWN.replace("divisor > root", "divisor * divisor > number")),
    ("the sieve of Eratosthenes with a list of flags", SIEVE),
    ("start marking at twice the number", SIEVE.replace("number * number, limit", "2 * number, limit")),
    ("flags as integers", SIEVE.replace("[True]", "[1]").replace("False", "0")),
    ("flags in a bytearray, cleared by slices", BYTES),
    ("collect with enumerate", BYTES.replace("[number for number in range(2, limit) if marks[number]]", "[n for n, m in enumerate(marks) if m and n > 1]")),
    ("flags in a numpy array", BYTES.replace("marks = bytearray([1]) * limit", "import numpy_of_old\n    marks = 1")),
    ("flags for odd numbers only", HALF),
    ("forget that 2 is even", HALF.replace("[2, *", "[*")),
    ("collect with itertools.compress", PACKED),
    ("keep the flags in a local name", PACKED.replace("marks", "flags")),
    ("take bytes() out of the loop", PACKED.replace("bytes(len(", "bytearray(len(")),
)  # fmt: skip


def main() -> None:
    """Run the session and take the pictures."""
    os.environ.update(GIT_AUTHOR_NAME="Ada", GIT_AUTHOR_EMAIL="ada@example.org")
    os.environ.update(GIT_COMMITTER_NAME="Ada", GIT_COMMITTER_EMAIL="ada@example.org")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "primes"
        lab = create(root)
        for description, body in TRIES[:-3]:
            attempt(lab, root, description, body)
        with followed(lab, root, TRIES[-3]) as (watch, url):
            terminal(watch)
            photograph(url, "live.png", 1100, 1000)
        for description, body in TRIES[-2:]:
            attempt(lab, root, description, body)
        for format in ("png", "html"):
            Review(lab).report(format)
        small(Image.open(root / "autoresearch-progress.png"), "progress.png")
        page = (root / "autoresearch-report.html").as_uri()
        photograph(page, "report-light.png", 1100, 1500)
        photograph(page, "report-dark.png", 1100, 1250, dark=True, opened=14)
        photograph(page, "report-narrow.png", 390, 1400)


def create(root: Path) -> Lab:
    """A repository with an open session."""
    root.mkdir()
    (root / "primes.py").write_text(HEAD + SLOW)
    (root / "measure.py").write_text(MEASURE)
    (root / "test_primes.py").write_text(GUARD)
    (root / ".gitignore").write_text("__pycache__/\n")
    for command in ("init -q -b autoresearch/primes", "add -A", "commit -q -m start"):
        subprocess.run(["git", *command.split()], cwd=root, check=True)
    lab = Lab(root, allow_commands=True, patience_s=600)
    Sessions(lab).start_session(Plan.model_validate(PLAN))
    return lab


def attempt(lab: Lab, root: Path, description: str, body: str) -> None:
    """One try, given up where it does not work."""
    (root / "primes.py").write_text(HEAD + body)
    loop = Loop(lab)
    try:
        answer = loop.iterate(description)
    except Refusal as refusal:
        sys.stdout.write(f"{description}: {refusal.message}\n")
        return
    if answer.status is None:
        loop.revert("it does not work")
        loop.log()
    sys.stdout.write(f"{answer.iteration:3} {answer.status or 'given up':16} {answer.metric} {description}\n")


@contextmanager
def followed(lab: Lab, root: Path, tried: tuple[str, str]) -> Iterator[tuple[Watch, str]]:
    """Followers while a try is at work."""
    watch = Watch(Lab(root, follows=True))
    server = LiveServer(watch)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    work = threading.Thread(target=attempt, args=(lab, root, *tried))
    work.start()
    while not ((seen := watch.snapshot().work) and len(seen.tail) > 1):
        time.sleep(0.01)
    yield watch, server.url
    work.join()
    server.shutdown()


def terminal(watch: Watch) -> None:
    """The terminal view, in the colours of a terminal."""
    console = Console(width=104, height=32, record=True, file=io.StringIO(), force_terminal=True)
    console.print(TerminalView(watch.snapshot()))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "terminal.html"
        svg = console.export_svg(title="autoresearch-mcp watch")
        file.write_text(f"<body style='margin:0'>{svg}", encoding="utf-8")
        photograph(file.as_uri(), "terminal.png", 1100, 900, only="svg")


def photograph(
    url: str, name: str, width: int, height: int, dark: bool = False, only: str = "", opened: int = 0
) -> None:
    """A page in a browser of some size; only one element of it, or scrolled to one try that is opened."""
    with tempfile.TemporaryDirectory() as profile, browser(profile) as driver:
        measures = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", measures)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        driver.get(url)
        if opened:
            driver.execute_script(f"let t = document.getElementById('try-{opened}'); t.open = true; t.scrollIntoView()")
            driver.execute_script("scrollBy(0, -260)")
        time.sleep(0.7)  # the page lays itself out, and hears of what is at work
        box = (
            driver.execute_script(f"return document.querySelector('{only}').getBoundingClientRect()") if only else None
        )
        clip = {"clip": {name: box[name] for name in ("x", "y", "width", "height")} | {"scale": 1}} if box else {}
        shot = driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png", **clip})["data"]
    small(Image.open(io.BytesIO(base64.b64decode(shot))), name)


@contextmanager
def browser(profile: str) -> Iterator[webdriver.Chrome]:
    """A browser that knows nothing and tells nobody."""
    options = Options()
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=Service(os.environ.get("CHROMEDRIVER", "/usr/bin/chromedriver")))
    try:
        yield driver
    finally:
        driver.quit()


def small(image: Image.Image, name: str) -> None:
    """Write a picture in a palette."""
    IMAGES.mkdir(exist_ok=True)
    palette = image.convert("RGB").quantize(160, Image.Quantize.MAXCOVERAGE, kmeans=3, dither=Image.Dither.NONE)
    palette.save(IMAGES / name, optimize=True)


if __name__ == "__main__":
    main()
