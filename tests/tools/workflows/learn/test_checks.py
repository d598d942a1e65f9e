"""Each kind of claim on a small document: what is so holds, what is not is told with what the code says, and what may be so is left alone."""

from __future__ import annotations

from textwrap import dedent

import pytest

from autoresearch_mcp.tools.workflows.learn.checks.claim import Claim, Document
from autoresearch_mcp.tools.workflows.learn.checks.table import claims
from autoresearch_mcp.tools.workflows.learn.codemap import CodeMap
from autoresearch_mcp.tools.workflows.learn.documents import is_history
from autoresearch_mcp.tools.workflows.learn.repository import Repository

SHOP = {
    "pyproject.toml": (
        '[project]\nname = "shop"\nversion = "1.4.0"\nrequires-python = ">=3.10"\ndependencies = ["rich", "attrs"]\n'
        '[project.optional-dependencies]\ntests = []\n[project.scripts]\nshop = "shop.cli:main"\n'
    ),
    "tox.ini": "[tox]\nenvlist = lint,py{310,311}-{linux,mac}\n[testenv:docs]\n",
    "Makefile": "all: build\nbuild lint:\n\techo\n",
    "shop/__init__.py": "from .cart import Cart, total\nfrom . import stock\n",
    "shop/cart.py": (
        "from dataclasses import dataclass\n\ndef total(prices, *, tax=0):\n    return sum(prices)\n\n"
        "class Base:\n    def save(self, path): ...\n\nclass Cart(Base):\n    def __init__(self, owner, size=3): self.items = []\n"
        "    def add(self, item): ...\n    @classmethod\n    def empty(cls): ...\n\n@dataclass\nclass Line:\n    name: str\n    price: int = 0\n"
    ),
    "shop/stock.py": "def find(*names, **where): ...\n",
    "shop/one.py": "from .cart import Cart\n\ncart = Cart('me')\nadd = cart.add\n",
    "shop/cli.py": 'import argparse\np = argparse.ArgumentParser()\np.add_argument("--out-dir")\np.add_argument("-q", "--quiet")\n',
    "shop/old.py": "def __getattr__(name): return name\nKNOWN = {'legacy': 1}\n",
    "docs/conf.py": "",
    "docs/index.rst": ".. _top:\n\nTop\n===\n",
    "docs/more.rst": "More\n====\n",
}
WEB = {
    "package.json": (
        '{"name": "web", "version": "2.0.1", "engines": {"node": ">=18"}, "bin": {"web": "x.js"}, "scripts": {"dev": "x", "unit": "x"}, '
        '"devDependencies": {"vitest": "1"}}'
    ),
    "src/index.ts": "export const start = 1\nexport type { Options } from './options'\nexport default function web(options?: Options) {}\n",
    "src/options.ts": "export interface Options { port: number, reloadOnChange: boolean }\n",
    "src/site.ts": "export class Site extends Base { open() {} }\nexport class Page {\n  show(): void {}\n}\n"
    "export const joined = (one: string, other = '') => one + other\n",
    "src/cli.ts": "cli.option('-p, --port <n>', 'x').option('--no-color', 'x').option('--env.* <v>', 'x')\n",
}
STORE = {
    "go.mod": "module example.org/store/v2\n\ngo 1.22\n\nrequire (\n\tx.org/a v1.0.0\n\tx.org/b v1.0.0 // indirect\n)\n",
    "store.go": "package store\n\ntype Store struct {\n\tName string\n}\n\nfunc Open(path string, size int) (*Store, error) {\n}\n\nfunc (s *Store) Put(key string) {\n}\n",
    "cmd/store/main.go": 'package main\n\nfunc main() {\n\tflag.Bool("verbose", false, "")\n}\n',
    "shelf.go": "package store\n\ntype Shelf struct {\n\tStore\n\tRows int\n}\n",
    "desk.go": "package store\n\nfunc (s *Store) Shelf(n int) *Shelf {\n}\n\nfunc show(desk *Store) {\n}\n",
    "disk/disk.go": "package disk\n\nconst Size = 1\n\nfunc Join(parts ...string) {\n}\n",
}


def found(project: dict[str, str], text: str, path: str = "docs/developing.md") -> list[Claim]:
    files = {**project, path: dedent(text)}
    repository = Repository(CodeMap(files), frozenset(files))
    page = repository.page(path)
    assert page is not None
    return list(claims(Document(path, files[path], page), repository))


def wrong(project: dict[str, str], text: str, path: str = "docs/developing.md") -> list[tuple[str, int, str]]:
    return [(claim.kind.value, claim.line, claim.why) for claim in found(project, text, path) if claim.wrong]


def block(language: str, *lines: str) -> str:
    return f"```{language}\n" + "\n".join(lines) + "\n```\n"


@pytest.mark.parametrize(
    ("text", "kind", "line", "why"),
    [
        (block("python", "x = (1,", "y = 2"), "syntax", 2, "it is no Python: '(' was never closed"),
        (block("python", "from shop import Basket"), "import", 2, "shop/__init__.py has no Basket"),
        (block("python", "import shop.carts"), "import", 2, "there is no module shop.carts"),
        (block("python", "import shop", "shop.stock.lose()"), "symbol", 3, "shop.stock has no lose"),
        (block("python", "from shop import Cart", "c = Cart('me')", "c.remove(1)"), "symbol", 4, "shop.cart.Cart has no remove"),
        (block("python", "from shop import Cart", "class Mine(Cart): ...", "Mine('me').remove(1)"), "symbol", 4, "shop.cart.Cart has no remove"),
        (block("python", "from shop import total", "total([1], vat=2)"), "signature", 3, "shop.cart.total takes no parameter vat; there is prices, tax"),
        (block("python", "from shop.cart import Line", "Line(cost=1)"), "signature", 3, "shop.cart.Line takes no parameter cost; there is name, price"),
        (block("python", "from shop import Cart", "Cart('a', 1, 2)"), "signature", 3, "shop.cart.Cart takes at most 2 arguments by position"),
        (block("python", "from shop import total", "total([1])") + "`total([1], vat=2)` adds.\n", "signature", 5, "total takes no parameter vat; there is prices, tax"),
        ("`shop.cart.Cart.add(item, twice)` adds.\n", "signature", 1, "shop.cart.Cart.add takes at most 1 arguments by position"),
        (block("python", "from shop.one import cart", "cart.remove(1)"), "symbol", 3, "shop.cart.Cart has no remove"),
        (block("python", "from shop.one import add", "add(1, twice=2)"), "signature", 3, "shop.cart.Cart.add takes no parameter twice"),
        (block("pycon", ">>> from shop import total", ">>> total.x", "1", ">>> from shop import minus"), "import", 5, "shop/__init__.py has no minus"),
        (block("pycon", ">>> import shop", ">>> shop.total(", "3"), "syntax", 3, "it is no Python: '(' was never closed"),
        (block("console", "$ tox -e docs,py39"), "target", 2, "tox has no environment py39; it has docs, lint, py310-linux, py310-mac, py311-linux, py311-mac"),
        (block("sh", "pip install -e '.[test]'"), "target", 2, "pyproject.toml has no extra or group test; it has tests"),
        (block("sh", "python -m shop.web"), "target", 2, "there is no module shop.web"),
        (block("sh", "shop --output x"), "option", 2, "no option output is declared"),
        (block("sh", "python shop/cli.py --loud"), "option", 2, "no option loud is declared"),
        ("Run `make biuld` first.\n", "target", 1, "no makefile has a target biuld; there is build"),
        ("Say --out-dirs and wait.\n", "option", 1, "no option out-dirs is declared; there is out-dir"),
        ("Pass `--silent` to `shop`.\n", "option", 1, "no option silent is declared"),
        (block("json", '{"a": 1', ' "b": 2}'), "syntax", 3, "it is no JSON: Expecting ',' delimiter"),
        (block("toml", "[a]", "b = x"), "syntax", 3, "it is no TOML: Invalid value"),
        (block("yaml", "a: [1, 2", "b: 3"), "syntax", 2, "it is no YAML: expected ',' or ']', but got ':'"),
        ("There are 7 modules in `shop/`.\n", "count", 1, "counted shop: 6"),
        ("`shop/cart.py` has 200 lines.\n", "count", 1, "counted shop/cart.py: 18 (lines)"),
        ("There are 7 modules in shop/.\n", "count", 1, "counted shop: 6"),
        ("It has three dependencies.\n", "count", 1, "counted 2 (dependencies in pyproject.toml)"),
        ("Python 2.7 is required.\n", "version", 1, "pyproject.toml takes Python from 3.10 on"),
        ("It requires Python 3.8\nor newer.\n", "version", 1, "pyproject.toml takes Python from 3.10 on"),
        ("Its version is 1.3.0.\n", "version", 1, "its manifest says 1.4.0"),
    ],
)  # fmt: skip
def test_what_the_code_contradicts_is_told(text: str, kind: str, line: int, why: str) -> None:
    assert [(k, at, told[: len(why)]) for k, at, told in wrong(SHOP, text)] == [(kind, line, why)]


@pytest.mark.parametrize(
    "text",
    [
        block("python", "from shop import Cart, stock as s", "c = Cart(owner='me')", "c.save('x'); c.items; s.find('a', b=1)"),
        block("python", "from shop.cart import Line, total", "Line('a', price=2)", "total([1], tax=3)", "Line(*x, **y)"),
        block("python", "from shop import Cart", "def f(Cart): return Cart.anything", "for Cart in []: Cart.gone"),
        block("python", "from shop import Cart", "class Mine(Other, Cart): ...", "Mine().anything"),
        block("python", "from shop.old import legacy"),
        block("python", "@decorated"),
        block("python", "def f():", "    # what it does"),
        block("python", '"a": 1,', '"b": 2,') + block("python", '"a": (', "    1,", "),"),
        block("pycon", ">>> def f():", "...     return 1", ">>> f()", "1"),
        block("sh", "tox -e docs,py310-mac", "tox run -e py311", "tox", "tox -e envname", "pip install 'shop[tests]' rich[jupyter]"),
        block("sh", "shop -qq --out_dir x", "./built --x", "shop --no-quiet", "shop --help", "python shop/cli.py --out-dir x", "pip install --pre shop"),
        "`total(prices, tax)`, `Cart.add(self, item)`, `Cart('me', size=3)`, `shop.stock.find('a', 'b', c=1)`\n",
        "`--pre` of pip; pip's `--user`\n",
        "Pass --quiet to it, or `shop --out-dir x`; pip's --user and --dry-run are not ours.\n",
        block("json", '{"a": 1}', '{"b": 2}') + block("jsonc", "{'a'}") + block("json", '"a": 1,', '"b": 2'),
        block("yaml", "a: 1", "---", "b: !tag 2"),
        block("toml", 'a = "x"'),
        "There are 6 modules in `shop/`, about 9 files in `shop/`, and 1 extras in version 2.\n",
        "Python 3.10+ is needed; on Python 3.8 it never ran. Since version 1.2.0 it is fast.\n",
    ],
)  # fmt: skip
def test_what_is_so_or_may_be_so_is_not_called_wrong(text: str) -> None:
    assert wrong(SHOP, text) == []


@pytest.mark.parametrize(
    "text",
    [
        block("json", '{"a": ...}'),
        block("python", "total(<prices>)"),
        block("sh", "frobnicate --all", "node app.js"),
        "`dist/shop.js`, written to `out.txt`\n",
        "`Widget` and `connect_timeout` are others'.\n",
        "For streams Python 3.12 or newer is best.\n",
        block("python", "from shop.old import legacy"),
        "`refresh()` and `setsid()` are of the system.\n",
        "`add(item, 3)` of a cart.\n",
    ],
)
def test_what_cannot_be_told_is_counted_as_not_checkable(text: str) -> None:
    assert [claim.known for claim in found(SHOP, text) if claim.why or not claim.known]
    assert wrong(SHOP, text) == []


@pytest.mark.parametrize(
    ("text", "kind", "line", "why"),
    [
        (block("ts", "import { start,", "  stop } from 'web'"), "import", 3, "web exports no stop"),
        (
            block("sh", "web --prot 1 --env.A=b --color --no-cache"),
            "option",
            2,
            "no option prot is declared; there is port",
        ),
        (block("sh", "npm run units"), "target", 2, "no package.json has a script units; there is unit"),
        ("Check with `pnpm lints`.\n", "target", 1, "no package.json has a script lints"),
        ("It needs Node.js 16.\n", "version", 1, "package.json takes Node.js from 18 on"),
        ("We are at version 2.1.0.\n", "version", 1, "its manifest says 2.0.1"),
        (block("ts", "import { stop } from 'web/options'"), "import", 2, "web/options exports no stop"),
        ("### `openPort`\n", "symbol", 1, "nothing in the code is called openPort"),
        (block("ts", "import web from 'web'", "web.start; web.halt()"), "symbol", 3, "web has no halt"),
        (
            block("ts", "import { Page } from 'web'", "const p = new Page()", "p.hide()"),
            "symbol",
            4,
            "Page has no hide",
        ),
        (
            block("ts", "import { Page } from 'web'", "const p = new Page()") + "`p.hide()`\n",
            "symbol",
            5,
            "Page has no hide",
        ),
        (
            block("ts", "import web from 'web'", "web({reloadOnChanges: true})"),
            "option",
            3,
            "web knows no option reloadOnChanges; there is reloadOnChange",
        ),
        (block("js", "start({a: [1, 2)", "}"), "syntax", 2, "it is no JavaScript: the bracket [ is closed by )"),
        (block("js", "const a = start(1;"), "syntax", 2, "it is no JavaScript: the bracket ( is not closed"),
        (block("sh", "npx vitest src/indes.ts"), "target", 2, "there is no src/indes.ts"),
        ("`reloadOnChange` and `reloadLater` are alike.\n", "symbol", 1, "nothing in the code is called reloadLater"),
        ("The package has 2 executables.\n", "count", 1, "counted 1 (executables in package.json)"),
    ],
)
def test_typescript_is_held_against_exports_options_and_scripts(text: str, kind: str, line: int, why: str) -> None:
    assert (kind, line, why) in wrong(WEB, text)


def test_typescript_that_is_right_is_left_alone() -> None:
    text = block("ts", "import web, { start as s, type Options } from 'web'", "import { x } from 'other'")
    text += block("ts", "import { Site, joined } from 'web'", "const s = new Site()", "s.anything(joined(...x))")
    text += (
        block("js", "for (let i = 0; i < 1; i++) { web({customThing: /[(]/, a: `(` }) } // (")
        + "`secondPage`, `port`\n"
    )
    commands = block("sh", "web -p 1 --no-color", "pnpm vitest", "yarn dev", "pnpm add web", "npm install")

    assert wrong(WEB, text + commands + "It needs Node.js 18 or newer.\n") == []


@pytest.mark.parametrize(
    ("text", "kind", "line", "why"),
    [
        (block("go", "import (", '  "example.org/store/v2/disc"', ")"), "import", 3, "there is no package in disc; there is disk"),
        (block("go", 'import "example.org/store/v2"', "s, err := store.Opened(p, 1)"), "symbol", 3, "the package store has no Opened; there is Open"),
        (block("go", 'import "example.org/store/v2"', "s, err := store.Open(p, 1)", "s.Take(1)"), "symbol", 4, "Store has no Take"),
        (block("go", 'import "example.org/store/v2"', "store.Open(p)"), "signature", 3, "Open takes 2 arguments, not 1"),
        ("`Store.Take` and `Store.Put`\n", "symbol", 1, "Store in the top has no Take"),
        ("`Shelf.Take` and `Shelf.Put`\n", "symbol", 1, "Shelf in the top has no Take"),
        (block("go", "s, err := store.Open(p, 1)", "s.Take(1)"), "symbol", 3, "Store has no Take"),
        (block("go", "s, _ := store.Open(p, 1)") + block("go", "s.Take(1)"), "symbol", 5, "Store has no Take"),
        (block("go", "s, _ := store.Open(p, 1)", "s.Shelf(1).", "  Take()"), "symbol", 4, "Shelf has no Take"),
        (block("go", "s := &store.Shelf{", "  Rows: 1, Width: 2,", "}"), "option", 3, "Shelf has no Width"),
        (block("go", "f(func(s *store.Store) { s.Take(1) })"), "symbol", 2, "Store has no Take"),
        (block("go", "s.Put(store.Open(p, 1)", "}"), "syntax", 2, "it is no Go: the bracket ( is closed by }"),
        ("Ask with `desk.Take()`.\n", "symbol", 1, "Store has no Take"),
        ("It has two direct dependencies.\n", "count", 1, "counted 1 (dependencies in go.mod)"),
        ("`disk.Width`\n", "symbol", 1, "the package disk in disk has no Width"),
        (block("sh", "go test ./disc/..."), "target", 2, "there is no folder disc"),
        (block("sh", "store -verbos"), "option", 2, "no option verbos is declared; there is verbose"),
        ("It needs Go 1.20.\n", "version", 1, "go.mod takes Go from 1.22 on"),
    ],
)  # fmt: skip
def test_go_is_held_against_packages_members_and_flags(text: str, kind: str, line: int, why: str) -> None:
    assert wrong(STORE, text) == [(kind, line, why)]


def test_go_that_is_right_is_left_alone() -> None:
    lines = ('d "example.org/store/v2/disk"', '"example.org/store/v2"', ")", "d.Join(a, b, c)", "s, _ := store.Open(p, d.Size)", "s.Put(s.Name)")  # fmt: skip
    text = block("go", "import (", *lines) + "`http.Get`, `Store.Name`, `disk.Size`\n"

    text += block("go", "s, _ := store.Open(p, 1)", "f(func(s *http.Request) { s.Anything })")
    text += block("go", "store := other.New()", "store.Anything()")
    assert wrong(STORE, text + block("sh", "go test ./...", "go run ./cmd/store -verbose", "store -help")) == []


RST = """
    .. _here:

    Page
    ====

    :ref:`here`, :ref:`top`, :doc:`more`, :doc:`/index`, :class:`shop.Cart`, :meth:`Cart.add`, ``shop/cart.py``, |version|.

    .. module:: shop

    :func:`total` and :func:`stock.find`

    .. toctree::

        more
"""


def test_right_restructured_text_is_read_and_left_alone() -> None:
    kept = found(SHOP, RST, "docs/page.rst")

    assert [claim for claim in kept if claim.wrong] == []
    assert {claim.text for claim in kept} >= {"here", "top", "more", "/index", "shop.Cart", "Cart.add", "shop/cart.py"}


@pytest.mark.parametrize(
    ("text", "kind", "line", "why"),
    [
        ("a\n\n:ref:`hero`\n", "link", 3, "no document has the label hero"),
        (":doc:`moer`\n", "link", 1, "there is no docs/moer; there is docs/more.rst"),
        (":meth:`x <shop.Cart.drop>`\n", "symbol", 1, "shop.Cart defines no drop"),
        (".. module:: shop\n\n:func:`stock.lose`\n", "symbol", 3, "shop/stock.py defines no lose"),
        ("Title\n====\n", "markup", 2, "Title underline too short"),
        ("See More_ and\nLess_.\n\n.. _More: https://x.org\n", "markup", 2, 'Unknown target name: "less"'),
        (".. code-blok:: python\n\n    x\n", "markup", 1, 'Unknown directive type "code-blok"'),
        (".. literalinclude:: ../shop/crat.py\n", "link", 1, "there is no shop/crat.py; there is shop/cart.py"),
        ("A\n\n.. automodule:: shop.carts\n   :members:\n", "symbol", 3, "shop/__init__.py defines no carts"),
        (".. autofunction:: shop.cart.minus(x)\n", "symbol", 1, "shop/cart.py defines no minus"),
        (".. image:: gone.png\n", "link", 1, "there is no docs/gone.png"),
        ("a\n\n.. code-block:: python\n   :caption: x\n\n   from shop import Basket\n", "import", 6, "shop/__init__.py has no Basket"),
        (">>> from shop import Basket\n", "import", 1, "shop/__init__.py has no Basket"),
        ("Run: ::\n\n    $ tox -e gone\n", "target", 3, "tox has no environment gone"),
        (".. note::\n\n    Run ``make biuld``.\n", "target", 3, "no makefile has a target biuld; there is build"),
    ],
)  # fmt: skip
def test_wrong_restructured_text_is_told_at_its_line(text: str, kind: str, line: int, why: str) -> None:
    assert [(k, at, told[: len(why)]) for k, at, told in wrong(SHOP, text, "docs/page.rst")] == [(kind, line, why)]


def test_a_program_of_setup_cfg_is_known_with_its_options_and_its_python() -> None:
    project = {
        "setup.cfg": "[options]\npython_requires = >=3.9\n[options.entry_points]\nconsole_scripts =\n    serve = shop.cli:main\n",
        "shop/cli.py": SHOP["shop/cli.py"].replace("--out-dir", "--port"),
        "Makefile": "%:\n\techo $@\n",
    }
    text = block("sh", "serve --prot 1", "make anything") + "It needs Python 3.8.\n"

    assert wrong(project, text) == [
        ("option", 2, "no option prot is declared; there is port"),
        ("version", 5, "setup.cfg takes Python from 3.9 on"),
    ]


def test_a_script_that_is_nearly_none_of_ours_may_be_the_readers_away_from_the_top() -> None:
    text = block("sh", "npm run deploy", "npm run units")

    assert [line for _, line, _ in wrong(WEB, text, "docs/guide.md")] == [3]
    assert [line for _, line, _ in wrong(WEB, text, "README.md")] == [2, 3]


@pytest.mark.parametrize(
    ("path", "past"),
    [("docs/v1/use.md", True), ("docs/v2/use.md", False), ("docs/migrate-v1-to-v2.md", True), ("docs/use.md", False)],
)
def test_what_was_written_for_another_version_tells_of_the_past(path: str, past: bool) -> None:
    assert is_history(path, "2") is past


def test_what_autodoc_writes_of_the_code_cannot_fall_behind_it() -> None:
    kept = found(SHOP, "A\n\n.. automodule:: shop.cart\n\n:mod:`shop.stock`\n", "docs/api.rst")

    assert [(claim.why, claim.path) for claim in kept] == [("", ""), ("", "shop/stock.py")]


def test_python_in_a_folder_that_is_no_package_is_known_by_its_path() -> None:
    project = {"jobs/run.py": "def start(): ...\n", "jobs/bad.py": "def (\n"}
    kept = found(project, "`jobs.run.start`, `jobs.run.stop`, `jobs.bad.any`\n")

    assert [(claim.why, claim.path) for claim in kept] == [
        ("", "jobs/run.py"),
        ("jobs/run.py defines no stop", "jobs/run.py"),
        ("", ""),
    ]
