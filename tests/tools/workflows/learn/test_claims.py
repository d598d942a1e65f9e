"""What a document claims about the code, and whether it is so."""

from __future__ import annotations

import pytest

from autoresearch_mcp.tools.text.markdown import read_page
from autoresearch_mcp.tools.workflows.learn.checks.claim import Claim, Document
from autoresearch_mcp.tools.workflows.learn.checks.table import claims, spoken_of
from autoresearch_mcp.tools.workflows.learn.codemap import CodeMap, areas, entry_points, languages
from autoresearch_mcp.tools.workflows.learn.documents import due, is_checked
from autoresearch_mcp.tools.workflows.learn.repository import Repository

TEXTS = {
    "README.md": "old_name is only spoken of here",
    "Makefile": "all: build\n\nbuild lint: x\n\techo\n\n.PHONY: all\nX := 1\n",
    "package.json": '{"name": "web", "bin": {"webber": "x.js"}, "scripts": {"dev": "vite"}}',
    "pyproject.toml": '[project]\nname = "shop"\nversion = "1.0"\n[project.scripts]\nshop = "shop.cli:main"\n[tool.ruff]\nline-length = 99\n',
    "shop/__init__.py": "from .cart import total\n",
    "shop/cart.py": (
        "MOST = 3\n\n\ndef total(prices):\n    return sum(prices)\n\n\nclass Cart:\n    size: int = 0\n\n    def __init__(self):\n"
        "        self.items = []\n\n    def add(self, item):\n        self.items.append(item)\n\n\nclass Big(dict):\n    pass\n"
    ),
    "shop/cli.py": "def main():\n    open('made_later.json')\n\n\nif __name__ == '__main__':\n    main()\n",
    "src/web/app.ts": "export function fetchItems() {}\n",
    "tools/run.sh": "echo\n",
}


@pytest.fixture(scope="module")
def repository() -> Repository:
    return Repository(
        CodeMap(TEXTS),
        frozenset(TEXTS),
        ignored=lambda path: path.startswith("dist/"),
        installed=lambda program: program == "rare",
    )


def found_in(text: str, repository: Repository) -> tuple[Claim, ...]:
    return claims(Document("docs/developing.md", text, read_page(text)), repository)


def whys(text: str, repository: Repository) -> list[str]:
    return [claim.why for claim in found_in(text, repository) if claim.known]


def sh(*lines: str) -> str:
    return "```sh\n" + "\n".join(lines) + "\n```\n"


@pytest.mark.parametrize(
    "text",
    [
        "`shop/cart.py`",
        "`./shop/cart.py`",
        "`cart.py`",
        "`web/app.ts`",
        "`../shop/cart.py`",
        "`shop/cart.py:8-10`",
        "`shop/`",
        "`dist/bundle.js`",
        "`total()`",
        "`total(prices)`",
        "`shop.total`",
        "`shop.cart.total`",
        "`shop.cart.Cart.add`",
        "`Cart.items`",
        "`Cart.size`",
        "`shop.cart.MOST`",
        "`fetchItems`",
        "`line-length = 88`",
        "`pyproject.toml` has `line-length = 88`",
        sh("make build lint", "npm run dev", "shop --all", "webber", "rare x", "git status"),
        sh("python3 shop/cli.py", "python -m shop.cli", "./tools/run.sh", "X=1 make all | grep -q x"),
        sh("cd elsewhere && make anything"),
        sh("# make nothing", "cat <<EOF", "make nothing", "EOF"),
        sh("$ make build", "make: nothing to be done"),
        sh("> make build", "made"),
        sh("shop \\", "  --all"),
        "```toml\n[tool.ruff]\nline-length = 88\n```",
    ],
)
def test_what_is_so_is_a_claim_that_holds(text: str, repository: Repository) -> None:
    found = whys(text, repository)

    assert found
    assert set(found) == {""}


@pytest.mark.parametrize(
    "text",
    [
        "`and/or`",
        "`application/json`",
        "`origin/main`",
        "`true`",
        "`--path`",
        "`os.path.join`",
        "`a == b`",
        "`print()`",
        "`<name>.py`",
        "`path/to/file.py`",
        "`$HOME/x.py`",
        "`src/**/*.py`",
        "`docs`",
        "`made_later.json`",
        "`3.11`",
        "`v1.0`",
        "a word, and shop/nowhere.py without backticks",
        "```text\nmake nothing\n```",
        "```\nimport other\nother.gone()\n```",
        "```\nfrom: shop\nimport nothing of it\n```",
    ],
)
def test_what_may_be_anything_is_no_claim(text: str, repository: Repository) -> None:
    assert whys(text, repository) == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("`shop/basket.py`", "there is no shop/basket.py"),
        ("`shop/carts.py`", "there is no shop/carts.py; there is shop/cart.py"),
        ("`CONTRIBUTING.md`", "there is no CONTRIBUTING.md"),
        ("`shop/made_later.json`", "there is no shop/made_later.json"),
        ("`shop/gone/`", "there is no shop/gone/"),
        ("`shop/cart.py:20-99`", "shop/cart.py has 19 lines"),
        ("`shop.cart.gone`", "shop/cart.py defines no gone"),
        ("`shop.cart.main`", "shop/cart.py defines no main"),
        ("`shop.gone.total`", "shop/__init__.py defines no gone"),
        ("`Cart.remove`", "Cart in shop/cart.py has no remove"),
        ("`Cart.main()`", "Cart in shop/cart.py has no main"),
        ("`Big.nowhere`", "Big in shop/cart.py has no nowhere"),
        ("`shop/cart.py` has `old_name`", "nothing in the code is called old_name"),
        ("`fetchItem` asks", "nothing in the code is called fetchItem; there is fetchItems"),
        ("`shop/cart.py` has `oldName()`", "nothing in the code is called oldName"),
        ("`line-lengths = 3`", "no file of the code knows the setting line-lengths; there is line-length"),
        ("`pyproject.toml` has `MOST = 3`", "pyproject.toml has no MOST"),
        (sh("make nothing"), "no makefile has a target nothing"),
        (sh("npm run nothing"), "no package.json has a script nothing"),
        (sh("npm test"), "no package.json has a script test"),
        (sh("web-ber --all"), "no program is called web-ber; there is webber"),
        (sh("python3 shop/gone.py"), "there is no shop/gone.py"),
        (sh("pytest shop/test_gone.py::test_it"), "there is no shop/test_gone.py"),
        (sh("pytest shop/cart.py::test_it"), "shop/cart.py has no test_it"),
        (sh("python -m shop.gone"), "there is no module shop.gone"),
        (sh("./tools/gone.sh"), "there is no ./tools/gone.sh"),
        (sh("X=1 sudo webbr | git x"), "no program is called webbr; there is webber"),
        ("```\nfrom shop.cart import Cache\n```", "shop/cart.py has no Cache"),
        ("```ini\nline-lengths = 3\n```", "no file of the code knows the setting line-lengths; there is line-length"),
    ],
)
def test_what_is_not_so_is_told(text: str, why: str, repository: Repository) -> None:
    assert [told for told in whys(text, repository) if told] == [why]


def test_a_claim_stands_at_its_line_and_names_the_file_that_it_means(repository: Repository) -> None:
    text = "# A\n\n" + sh("make build", "frob") + "\nSee `Cart.add`, [how](../shop/cli.py).\n"

    found = found_in(text, repository)

    assert [(claim.line, claim.text, claim.path, claim.known) for claim in found] == [
        (4, "make build", "", True),
        (5, "frob", "", False),
        (8, "../shop/cli.py", "shop/cli.py", True),
        (8, "Cart.add", "shop/cart.py", True),
    ]
    assert spoken_of(Document("docs/developing.md", text, read_page(text)), found, repository) == {
        "shop/cart.py",
        "shop/cli.py",
    }


@pytest.mark.parametrize(
    ("name", "home"),
    [
        ("shop.total", "shop/cart.py"),
        ("shop.cart.total", "shop/cart.py"),
        ("shop.cli", "shop/cli.py"),
        ("Cart.add", "shop/cart.py"),
    ],
)
def test_a_name_that_is_only_passed_on_means_the_file_that_defines_it(
    name: str, home: str, repository: Repository
) -> None:
    assert [claim.path for claim in found_in(f"`{name}`", repository)] == [home]


def test_where_not_all_was_read_no_name_is_called_missing() -> None:
    part = Repository(CodeMap(TEXTS, complete=False), frozenset(TEXTS))

    assert whys("`old_name`, `shop.cart.gone`, `retries = 3`", part) == []


def test_code_that_cannot_be_parsed_may_define_anything() -> None:
    texts = {"shop/old.py": "print 'x'\n"}

    (claim,) = found_in("`shop.old.thing`", Repository(CodeMap(texts), frozenset(texts)))

    assert (claim.known, claim.why) == (False, "")


def test_what_a_class_may_have_of_another_project_is_not_checkable(repository: Repository) -> None:
    assert [(claim.known, claim.why) for claim in found_in("`Big.items`", repository)] == [(False, "")]


def test_the_map_knows_languages_areas_and_where_the_code_begins() -> None:
    code = CodeMap(TEXTS)

    assert [name for name, _, _ in languages(code)] == ["python", "markdown", "typescript", "shell"]
    assert [(area.name, area.files) for area in areas(code)] == [("shop", 3), ("src/web", 1), ("tools", 1)]
    assert entry_points(code) == ("shop (pyproject.toml)", "webber (package.json)", "shop/cli.py")
    assert {symbol.name for symbol in code.python.symbols if symbol.path == "shop/cart.py"} == {
        *("MOST", "total", "Cart", "Cart.size", "Cart.__init__", "Cart.items", "Cart.add", "Big"),
    }


# --- Which documents are due -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "texts", "name"),
    [
        (["Dockerfile"], {}, "deployment guide"),
        (["infra/main.tf"], {}, "deployment guide"),
        (["api/openapi.yaml"], {}, "api reference"),
        (["pyproject.toml"], {"pyproject.toml": 'dependencies = ["fastapi>=1"]'}, "api reference"),
        ([f"tests/test_{n}.py" for n in range(10)], {}, "testing guide"),
        ([".env.example"], {}, "configuration guide"),
        (["package.json"], {"package.json": '{"version": "1.0.0"}'}, "changelog"),
    ],
)
def test_a_signal_makes_a_document_due_and_without_it_none_is(
    files: list[str], texts: dict[str, str], name: str
) -> None:
    assert [one.name for one in due(files, texts)] == ["readme", name]
    assert [one.name for one in due(["a.py", *files[: len(files) - 1]], {})] == ["readme"]


def test_documents_about_the_code_are_due_only_where_there_is_much_of_it() -> None:
    large = [f"{part}/{n}.py" for part in ("web", "db", "jobs") for n in range(7)]

    assert [one.name for one in due(["handbook/one.md", "handbook/two.md"], {})] == ["readme"]
    assert [one.name for one in due(large, {})] == ["readme", "code standards", "system architecture"]


def test_a_document_by_another_usual_name_is_there() -> None:
    files = ["readme.md", "ARCHITECTURE.md", "docs/contributing.rst"]
    large = [f"{part}/{n}.py" for part in ("web", "db", "jobs") for n in range(7)]
    found = {one.name: (one.path, one.there) for one in due([*files, *large], {})}

    assert found["readme"] == ("readme.md", True)
    assert found["system architecture"] == ("ARCHITECTURE.md", True)
    assert found["code standards"] == ("docs/contributing.rst", True)


@pytest.mark.parametrize(
    ("path", "checked"),
    [
        ("README.rst", True),
        ("docs/guide/a.md", True),
        ("doc/a.rst", True),
        ("packages/web/readme.md", True),
        ("tests/fixtures/README.md", False),
        ("src/notes.md", False),
        ("docs/a.txt", False),
    ],
)
def test_documents_are_those_at_the_top_those_in_their_folders_and_readmes(path: str, checked: bool) -> None:
    assert is_checked(path) is checked
