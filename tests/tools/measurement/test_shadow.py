"""What bends the ruler from beside it: new files with telling names."""

from __future__ import annotations

import pytest

from autoresearch_mcp.tools.measurement.shadow import shadowed

RULERS = {
    "bench/evaluate.py": "import json\nimport random, numpy as np\nfrom solution import go\nfrom .helpers import x\n",
    "checks/deep/test_a.py": "from bench import extra\nimportlib.import_module('plugin')\n",
    "broken.py": "def",
}
COMMANDS = ("PATH=tools:$PATH PYTHONPATH=src python bench/evaluate.py | summarise", "pytest -q", "./go.sh || later/run")
BENDS = {
    "bench/random.py": "would be imported by bench/evaluate.py instead of the standard library's random",
    "bench/statistics.py": "would be imported by bench/evaluate.py instead of the standard library's statistics",
    "json/__init__.py": "would be imported by bench/evaluate.py instead of the standard library's json",
    "bench/json.so": "instead of the standard library's json",
    "bench/json.cpython-311-x86_64-linux-gnu.so": "instead of the standard library's json",
    "json.pyd": "instead of the standard library's json",
    "json.pyc": "instead of the standard library's json",
    "src/types.py": "instead of the standard library's types",
    "bench/numpy.py": "would be imported by bench/evaluate.py as numpy",
    "numpy/__init__.py": "would be imported by bench/evaluate.py as numpy",
    "bench/helpers.py": "would be imported by bench/evaluate.py as helpers",
    "bench/extra.py": "would be imported by checks/deep/test_a.py as bench.extra",
    "checks/deep/plugin.py": "would be imported by checks/deep/test_a.py as plugin",
    "sitecustomize.py": "Python runs it at every start",
    "my-lib/sitecustomize.py": "Python runs it at every start",
    "lib/usercustomize/__init__.py": "Python runs it at every start",
    "deep/er/x.pth": "Python runs it at every start",
    "src/conftest.py": "pytest runs it",
    "src/pytest.ini": "pytest takes its settings",
    "src/setup.cfg": "pytest may take its settings",
    "src/.env": "environment",
    "src/.GitAttributes": "git",
    "go.sh": "would be started by the commands, which name it",
    "later/run": "would be started by the commands, which name it",
    "tools/python": "would be started by the commands instead of the machine's python",
    "tools/summarise": "would be started by the commands instead of the machine's summarise",
}


@pytest.mark.parametrize("added", BENDS)
def test_a_new_file_that_bends_the_ruler_is_named_with_its_reason(added: str) -> None:
    why = shadowed(added, RULERS, COMMANDS)

    assert why.startswith(f"{added} would ")
    assert BENDS[added] in why


HARMLESS = (
    *(
        "model.py",
        "src/model.py",
        "lib/random.py",
        "bench/deeper/random.py",
        "bench/random.txt",
        "bench/random.py.orig",
    ),
    *(
        "bench/data.json",
        "numpy/core.py",
        "src/deep/numpy.py",
        "bench/randomness.py",
        "python",
        "src/python",
        "tools/other",
    ),
    *(
        "xbench/random.py",
        "bench/go.sh",
        "tools/deep/python",
        "env",
        "docs/pth",
        "bench/__main__.py",
        "my-lib/__init__.py",
    ),
)


@pytest.mark.parametrize("added", HARMLESS)
def test_other_new_files_are_welcome(added: str) -> None:
    assert shadowed(added, RULERS, COMMANDS) == ""


def test_a_module_may_become_a_package() -> None:
    package = "solution/__init__.py"

    assert shadowed(package, RULERS, COMMANDS, before=("other.py",)) != ""
    assert shadowed(package, RULERS, COMMANDS, before=("other.py", "solution.py")) == ""


def test_names_of_the_standard_library_are_free_where_no_python_measures() -> None:
    assert shadowed("string.py", {}, ["node bench.js"]) == ""
    assert shadowed("string.py", {}, ["python bench.py"]) != ""


def test_settings_of_pytest_bend_only_where_pytest_measures() -> None:
    assert shadowed("src/setup.cfg", {}, ["python bench.py"]) == ""
    assert shadowed("src/setup.cfg", {}, ["python -m pytest"]) != ""
