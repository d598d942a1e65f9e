"""What hides an error is told from what mends one, by the patch alone."""

from __future__ import annotations

import difflib
from collections import Counter

import pytest

from autoresearch_mcp.tools.workflows.running.signs import Suppression
from autoresearch_mcp.tools.workflows.running.suppressions import ALWAYS, Hidden, hidden, rewritten


def patch(path: str, before: str, after: str) -> str:
    """A patch of one file as git prints it; an empty text is a file that is not there."""
    old, new = ("/dev/null" if not text else path for text in (before, after))
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), old, new, lineterm="")
    mode = "index 1..2 100644" if before else "new file mode 100644"
    return "\n".join([f"diff --git a/{path} b/{path}", mode, *lines, ""])


def refused(path: str, before: str, after: str) -> list[Hidden]:
    return [one for one in hidden(patch(path, before, after)) if one.refused]


HIDING = [
    ("a.py", "x = 1\n", 'x = 1\nif "pytest" in sys.modules: x = 2\n', Suppression.RUNNER),
    ("a.py", "x = 1\n", "x = 2 if any(m.startswith(''.join(['py', 'test'])) for m in sys.modules) else 1\n", Suppression.RUNNER),
    ("a.py", "x = 1\n", "x = 2 if 'test' in sys.argv[0] else 1\n", Suppression.RUNNER),
    ("a.py", "x = 1\n", "x = inspect.stack()[1].filename\n", Suppression.RUNNER),
    ("a.js", "f(1);\n", "f(process.env.JEST_WORKER_ID ? 2 : 1);\n", Suppression.RUNNER),
    ("a.py", "x = f()\n", "x = f()  # type: ignore[no-any-return]\n", Suppression.COMMENT),
    ("a.py", "import os\n", "import os  # noqa: F401\n", Suppression.COMMENT),
    ("a.py", "x = 1\n", "# mypy: ignore-errors\nx = 1\n", Suppression.COMMENT),
    ("a.ts", "f(1);\n", "// @ts-expect-error\nf(1);\n", Suppression.COMMENT),
    ("a.js", "f(1);\n", "/* eslint-disable */\nf(1);\n", Suppression.COMMENT),
    ("a.rs", "fn f() {}\n", "#[allow(dead_code)]\nfn f() {}\n", Suppression.COMMENT),
    ("a.go", "f()\n", "f() //nolint:errcheck\n", Suppression.COMMENT),
    ("A.java", "void f() {}\n", '@SuppressWarnings("all")\nvoid f() {}\n', Suppression.COMMENT),
    ("a.php", "f();\n", "f(); // @phpstan-ignore-line\n", Suppression.COMMENT),
    ("a.c", "f();\n", '#pragma GCC diagnostic ignored "-Wall"\nf();\n', Suppression.COMMENT),
    ("test_a.py", "def test_a():\n    f()\n", "@pytest.mark.skip\ndef test_a():\n    f()\n", Suppression.SKIPPED),
    ("test_a.py", "def test_a():\n    f()\n", "def test_a():\n    pytest.skip('later')\n    f()\n", Suppression.SKIPPED),
    ("a.test.js", "it('adds', f);\n", "it.skip('adds', f);\n", Suppression.SKIPPED),
    ("a.test.js", "it('adds', f);\n", "it.only('adds', f);\n", Suppression.SKIPPED),
    ("a.test.ts", "test('adds', f);\n", "xtest('adds', f);\n", Suppression.SKIPPED),
    ("a_test.go", "func TestA(t *testing.T) {\n}\n", "func TestA(t *testing.T) {\n\tt.Skip()\n}\n", Suppression.SKIPPED),
    ("a.rs", "#[test]\nfn a() {}\n", "#[test]\n#[ignore]\nfn a() {}\n", Suppression.SKIPPED),
    ("ATest.java", "@Test\nvoid a() {}\n", "@Test\n@Disabled\nvoid a() {}\n", Suppression.SKIPPED),
    ("ATest.php", "function testA() {\n}\n", "function testA() {\n$this->markTestSkipped();\n}\n", Suppression.SKIPPED),
    ("a_spec.rb", "it 'adds' do\nend\n", "xit 'adds' do\nend\n", Suppression.SKIPPED),
    ("test_a.py", "def test_a():\n    f()\n\ndef test_b():\n    g()\n", "def test_b():\n    g()\n", Suppression.DELETED),
    ("test_a.py", "def test_a():\n    f()\n", "", Suppression.DELETED),
    ("a.test.js", "it('adds', f);\nit('takes', g);\n", "it('takes', g);\n", Suppression.DELETED),
    ("a.rs", "#[test]\nfn a() {}\nfn b() {}\n", "fn b() {}\n", Suppression.DELETED),
    ("test_a.py", "    x = f()\n    assert x == 1\n", "    x = f()\n", Suppression.ASSERTION),
    ("a.test.js", "const x = f();\nexpect(x).toBe(1);\n", "const x = f();\n", Suppression.ASSERTION),
    ("pyproject.toml", "[tool.mypy]\nstrict = true\n", "[tool.mypy]\nstrict = false\n", Suppression.LOOSER),
    ("pyproject.toml", "[tool.mypy]\nstrict = true\n", "[tool.mypy]\n", Suppression.LOOSER),
    ("pyproject.toml", "[tool.ruff]\n", '[tool.ruff]\nextend-exclude = ["src"]\n', Suppression.LOOSER),
    ("tsconfig.json", '{"strict": true}\n', '{"strict": false}\n', Suppression.LOOSER),
    ("eslint.config.js", "rules: {}\n", 'rules: { "no-undef": "off" }\n', Suppression.LOOSER),
    ("Makefile", "CFLAGS = -Wall -Werror\n", "CFLAGS = -Wall\n", Suppression.LOOSER),
    ("package.json", '"test": "jest"\n', '"test": "jest || true"\n', Suppression.LOOSER),
    ("a.py", "def f(x: int) -> int:\n", "def f(x: Any) -> int:\n", Suppression.ANY),
    ("a.ts", "const x: number = f();\n", "const x: any = f();\n", Suppression.ANY),
    ("a.ts", "const x = f();\n", "const x = f() as any;\n", Suppression.ANY),
    ("a.py", "x = f()\n", "try:\n    x = f()\nexcept Exception:\n    pass\n", Suppression.EMPTY_HANDLER),
    ("a.js", "f();\n", "try {\n  f();\n} catch (e) {}\n", Suppression.EMPTY_HANDLER),
    ("a.js", "g(f);\n", "try {\n  g(f);\n} catch {\n}\n", Suppression.EMPTY_HANDLER),
    ("a.rb", "f\n", "begin\n  f\nrescue\nend\n", Suppression.EMPTY_HANDLER),
    ("a.py", "wait(timeout=5)\n", "wait(timeout=60)\n", Suppression.TIMEOUT),
    ("a.test.js", "f();\n", "jest.setTimeout(60000);\nf();\n", Suppression.TIMEOUT),
    ("a.py", "assert total(x) == 3\ny = 1\n", "# assert total(x) == 3\ny = 1\n", Suppression.COMMENTED_OUT),
    ("a.c", "check(total);\nf();\n", "// check(total);\nf();\n", Suppression.COMMENTED_OUT),
]  # fmt: skip


@pytest.mark.parametrize(("path", "before", "after", "kind"), HIDING)
def test_a_change_that_hides_is_counted_and_refused_where_it_can_do_nothing_else(
    path: str, before: str, after: str, kind: Suppression
) -> None:
    found = hidden(patch(path, before, after))

    assert {one.refused for one in found if one.kind is kind} == {kind in ALWAYS}
    assert all(one.path == path and one.line >= 1 for one in found)


MENDING = [
    ("a.py", "def f(x):\n    return x + 1\n", "def f(x: int) -> int:\n    return x + 2\n"),
    ("a.py", "x = f()\n", "x = g()\n"),
    ("a.py", "import os\nx = 1\n", "x = 1\n"),
    ("a.py", "x = f()  # type: ignore\n", "x: int = g()\n"),
    ("a.py", "    x = f()  # noqa: B018\n", "x = f()  # noqa: B018\n"),
    ("a.py", "x = f()  # noqa: B018\ny = 1\n", "y = 2\nx = f()  # noqa: B018\n"),
    ("test_a.py", "def test_a():\n    f()\n", "def test_another_name():\n    f()\n"),
    ("test_a.py", "@pytest.mark.skip\ndef test_a():\n    f()\n", "def test_a():\n    f()\n"),
    ("pyproject.toml", "[tool.mypy]\nstrict = false\n", "[tool.mypy]\nstrict = true\n"),
    ("pyproject.toml", 'version = "1"\n', 'version = "2"\n'),
    ("Makefile", "clean:\n", "clean:\n\t-rm -f a.o\n"),
    ("a.py", "wait(timeout=60)\n", "wait(timeout=5)\n"),
    ("a.js", "f();\n", "try {\n  f();\n} catch (e) {\n  report(e);\n}\n"),
    ("README.md", "text\n", "Write `# type: ignore` or `it.skip(...)` where needed.\n"),
    ("a.py", "x = 5\n", "x = 60\n"),
    ("a.py", "main()\n", "main(sys.argv[1:])\n"),
    ("test_a.py", "f()\n", "f(sys.argv)\n"),
    ("a.py", "# why\nx = 1\n", "# because\nx = 1\n"),
    ("a.js", "const many = [];\n", "const many = [1];\n"),
    ("a.ts", "const company: string = f();\n", "const company: string = g();\n"),
    ("a.test.js", "it('adds', f);\n", "it('adds', g);\n"),
    ("test_a.py", "assert f() == 1\n", "assert f(2) == 1\n"),
    ("a.py", "assert x\ny = 1\n", "y = 1\n"),
    (
        "test_a.py",
        "def test_a():\n    f()\n",
        "def test_a():\n    f()\n\n\n@pytest.mark.skipif(WINDOWS)\ndef test_b():\n    g()\n",
    ),
]


@pytest.mark.parametrize(("path", "before", "after"), MENDING)
def test_a_change_that_mends_is_left_alone(path: str, before: str, after: str) -> None:
    assert hidden(patch(path, before, after)) == ()


def test_what_may_be_honest_is_counted_and_not_refused() -> None:
    before = "def f(x: int) -> int:\n    return load(x)\n"
    after = (
        "def f(x: Any) -> int:\n    try:\n        return int(x)\n    except ValueError:\n        pass\n    return 0\n"
    )

    found = hidden(patch("a.py", before, after))

    assert Counter(one.kind for one in found) == {Suppression.ANY: 1, Suppression.EMPTY_HANDLER: 1}
    assert not any(one.refused for one in found)


def test_a_silencing_comment_is_refused_whatever_stands_beside_it() -> None:
    (found,) = refused("a.py", "x = f()\n", "y = 1\nx = g(y)  # type: ignore\n")

    assert found.description == "comment that silences a tool at a.py:2: `x = g(y)  # type: ignore`"


def test_a_stub_beside_a_module_is_read_in_its_place_and_a_stub_for_another_package_is_not() -> None:
    text = patch("src/cart.pyi", "", "def total() -> int: ...\n")

    assert [one.kind for one in hidden(text, ["src/cart.py", "src/cart.pyi"])] == [Suppression.STUB]
    assert hidden(text, ["src/shop.py"]) == ()


def test_a_test_that_moves_to_another_file_is_not_deleted() -> None:
    text = "def test_a():\n    f()\n"

    assert hidden(patch("test_a.py", text, "") + patch("tests/test_b.py", "", text)) == ()


def test_a_skip_beside_a_new_test_is_still_of_the_old_one() -> None:
    new = "def test_new():\n    g()\n\n\n@pytest.mark.skip\n"
    (found,) = refused("test_a.py", "def test_a():\n    f()\n", f"{new}def test_a():\n    f()\n")

    assert found.kind is Suppression.SKIPPED


def test_what_a_test_expects_or_tries_otherwise_is_told() -> None:
    before = "CASES = [\n    (2, 4),\n    (3, 9),\n]\n\n\ndef test_a():\n    assert f() == 1\n"
    text = patch("test_a.py", before, before.replace("9", "8").replace("f() == 1", "f() in {1, 2}"))

    assert rewritten(text) == (
        "test_a.py:3 `(3, 9),` became `(3, 8),`",
        "test_a.py:8 `assert f() == 1` became `assert f() in {1, 2}`",
    )


def test_a_line_that_reads_like_a_header_is_still_a_line() -> None:
    found = hidden(patch("a.py", "x = 1\n", 'x = 1\ny = """\ndiff --git a/b b/b\n"""\nz = f()  # noqa\n'))

    assert [(one.path, one.line) for one in found] == [("a.py", 5)]


def test_a_patch_of_many_long_lines_is_read_in_no_time() -> None:
    long = "x" * 5000 + "(" * 2000 + " " * 2000
    text = "\n".join(f"{long}{number}" for number in range(200))

    assert hidden(patch("a.py", "", text)) == ()
