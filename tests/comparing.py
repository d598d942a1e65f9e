"""What the tests of regressions share: a repository on a branch, with a baseline on main."""

from __future__ import annotations

import sys
from pathlib import Path

from conftest import Project
from ledgers import WorkflowAgent

LIGHT = "-p no:cacheprovider -p no:anyio -p no:xdist -p no:xdist.looponfail -p no:platformdirs"
"""Without the plug-ins of this environment, which take a quarter of a short run."""
PYTEST = f"{sys.executable} -m pytest -q {LIGHT}"

SHOP = {
    "shop/__init__.py": "from .cart import total\n\n__all__ = ['total']\n",
    "shop/cart.py": "def total(prices, discount=0):\n    return sum(prices) * (100 - discount) / 100\n\n\ndef count(items):\n    return len(items)\n",
    "tests/test_cart.py": (
        "from shop.cart import count, total\n\n\ndef test_total():\n    assert total([1, 2], 50) == 1.5\n\n\n"
        "def test_count():\n    assert count([1, 2]) == 2\n\n\ndef test_broken_before():\n    assert total([1]) == 2\n"
    ),
    "bench.py": "sum(range(200_000))\n",
}
# Fails in every second run on its own side: a counter in the temporary folder, named by the checkout's place.
FLAKE = """

def test_sometimes():
    import hashlib, os, pathlib, tempfile
    file = pathlib.Path(tempfile.gettempdir()) / ("flake-" + hashlib.sha256(os.getcwd().encode()).hexdigest()[:8])
    runs = int(file.read_text()) if file.exists() else 0
    file.write_text(str(runs + 1))
    assert runs % 2 == 0
"""


def shop(root: Path, **changed: str) -> Project:
    """A shop on main, and the branch `work` checked out."""
    project = Project(root)
    for name, text in {**SHOP, **changed}.items():
        project.write(name, text)
    project.commit("a shop")
    project.git("checkout", "--quiet", "-b", "work")
    return project


def replaced(project: Project, name: str, old: str, new: str) -> Project:
    """One text of a file replaced by another; it has to be there."""
    text = project.read(name)
    assert old in text
    return project.write(name, text.replace(old, new))


def comparing_agent(project: Project, *, allow_commands: bool = True) -> WorkflowAgent:
    return WorkflowAgent(project, "regression", allow_commands=allow_commands)
