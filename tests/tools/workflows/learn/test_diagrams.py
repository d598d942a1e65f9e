"""Diagrams are computed from the code, parsed by Mermaid, and held against the code wherever a document shows one."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from autoresearch_mcp.tools.workflows.learn.codemap import CodeMap
from autoresearch_mcp.tools.workflows.learn.diagrams import MOST_NODES, diagrams
from ledgers import WorkflowAgent, shop
from npm import npm_folder

PYTHON = {
    "pyproject.toml": '[project]\nname = "shop"\n[project.scripts]\nshop = "shop.cli:main"\n',
    "shop/__init__.py": "",
    "shop/cli.py": "from . import cart\nfrom shop.orders import Order\nimport json\n",
    "shop/cart.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .orders import Order\n",
    "shop/orders.py": "from .cart import total\n",
    "tests/test_cart.py": "import shop.cart\n",
}
OTHERS = {
    "web/index.ts": 'import { a } from "./a.js"\nimport type { B } from "./b"\nexport {\n  c,\n} from "./c"\n',
    "web/a.ts": "// import './c'\n",
    "web/b.ts": "",
    "web/c/index.ts": "",
    "go.mod": "module example.org/store/v2\n",
    "cmd/store/main.go": 'package main\n\nimport (\n\t"fmt"\n\td "example.org/store/v2/disk"\n)\n',
    "disk/disk.go": "package disk\n",
    'c/odd "#1; name.c': '#include <stdio.h>\n#include "list.h"\n',
    "c/list.h": "",
}


def edges(text: str) -> set[tuple[str, str]]:
    """The arrows of a diagram, by what its nodes say."""
    said = dict(re.findall(r'^  (n\d+)\(?\["(.*)"\]', text, re.MULTILINE))
    return {(said[one], said[other]) for one, other in re.findall(r"^  (\w+) --> (\w+)", text, re.MULTILINE)}


def test_only_what_the_code_has_is_drawn() -> None:
    drawn = diagrams(CodeMap(PYTHON))

    imported = {("shop/cli.py", "shop/cart.py"), ("shop/cli.py", "shop/orders.py"), ("shop/orders.py", "shop/cart.py")}
    assert edges(drawn["modules"]) == imported
    assert edges(drawn["flow"]) == {("shop", "shop/cli.py"), *imported}
    assert set(drawn) == {"modules", "flow"}
    assert diagrams(CodeMap({"a.py": "import os\n"})) == {}


def test_imports_of_other_languages_are_drawn() -> None:
    drawn = diagrams(CodeMap(OTHERS))

    assert edges(drawn["modules"]) == {
        ("web/index.ts", "web/a.ts"),
        ("web/index.ts", "web/c/index.ts"),
        ("cmd/store/", "disk/"),
        ("c/odd #quot;#35;1; name.c", "c/list.h"),
    }
    assert edges(drawn["flow"]) == {("store", "cmd/store/"), ("cmd/store/", "disk/")}


def test_many_files_are_drawn_by_their_folders_or_say_what_is_left_out() -> None:
    folders = {f"p{n % 4}/m{n}.py": f"import p{(n + 1) % 4}.m{n + 1}\n" for n in range(80)} | {
        f"p{n}/__init__.py": "" for n in range(4)
    }
    flat = {f"p/m{n}.py": f"from . import m{n // 2}\n" for n in range(80)} | {"p/__init__.py": ""}

    assert edges(diagrams(CodeMap(folders))["modules"]) == {(f"p{n}/", f"p{(n + 1) % 4}/") for n in range(4)}
    drawn = diagrams(CodeMap(flat))["modules"]
    assert "files with fewer imports are left out" in drawn
    assert 2 < len({end for pair in edges(drawn) for end in pair}) <= MOST_NODES


def test_a_document_that_shows_a_diagram_is_wrong_when_the_code_gives_another(tmp_path: Path) -> None:
    agent = WorkflowAgent(shop(tmp_path / "repo"), "learn")
    agent.project.write("shop/till.py", "from . import cart\nfrom . import db\n").write("shop/__init__.py", "").commit(
        "a till"
    )
    opened = agent.open(mode="update")
    assert "Diagrams of the code, in diagrams.md beside its map: modules." in opened.state
    block = re.search(r"```mermaid\n.*?```\n", agent.project.read(f"{opened.folder}/diagrams.md"), re.DOTALL)
    assert block
    own = "```mermaid\nflowchart TD\n  a --> b\n```\n"
    agent.project.write("README.md", f"# Shop\n\n`shop/cart.py` adds up.\n\n{block[0]}\n{own}").commit("a picture")
    assert agent.run().missing == []
    agent.close()

    agent.project.write("shop/till.py", "from . import cart\n").write("shop/cart.py", "from . import db\n").commit(
        "parts"
    )

    later = agent.open(mode="update")
    assert [line for line in later.state if "[diagram]" in line] == [
        "README.md:6 [diagram] `modules`: the code gives another now: copy it from diagrams.md"
    ]


PARSE = """
const [modules, drawn] = process.argv.slice(2), { createRequire } = await import("node:module");
const { JSDOM } = createRequire(modules + "/x.js")("jsdom");
globalThis.window = new JSDOM("").window;
globalThis.document = window.document;
const mermaid = (await import("file://" + modules + "/mermaid/dist/mermaid.core.mjs")).default;
const kinds = [];
for (const text of JSON.parse(drawn))
  kinds.push(await mermaid.parse(text).then((found) => found.diagramType, () => "no diagram"));
console.log(JSON.stringify(kinds));
"""


@pytest.mark.slow
def test_mermaid_parses_every_kind_of_diagram(tmp_path: Path) -> None:
    node, modules = shutil.which("node"), npm_folder("mermaid@11.17.2", "jsdom@26.1.0")
    if node is None or modules is None:
        pytest.skip("node is not here, or npm gives no mermaid")
    drawn = [text for files in (PYTHON, OTHERS) for text in diagrams(CodeMap(files)).values()]
    (tmp_path / "parse.mjs").write_text(PARSE)
    command = [node, "parse.mjs", str(modules), json.dumps([*drawn, "flowchart TD\n  a --> [b"])]

    parsed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    assert json.loads(parsed) == [
        "flowchart-v2",
        "flowchart-v2",
        "flowchart-v2",
        "flowchart-v2",
        "no diagram",
    ]
