"""Which paths a list of globs covers, by table and against a slow reference."""

from __future__ import annotations

import functools
import random
import re

import pytest

from autoresearch_mcp.tools.plan.scope import Scope, check_glob
from autoresearch_mcp.tools.process.isolation import bases

TABLE = {
    "a path is anchored at the root": ("a.py", "a.py", "src/a.py"),
    "a star stays in its folder": ("src/*.ts", "src/a.ts", "src/x/a.ts"),
    "a star grants no subtree": ("src/*.ts", "src/.ts", "src/a.ts/evil"),
    "a star stands for at least a name": ("src/*", "src/a", "src/"),
    "two stars in a name are one": ("src/a**z", "src/abz", "src/a/z"),
    "several stars": ("*a*b*", "xaxbx", "xbxax"),
    "a star before a repeated text": ("*ab", "abab", "aba"),
    "a question mark is one character": ("a?c", "abc", "ac"),
    "a question mark is no slash": ("a?c", "a\nc", "a/c"),
    "two stars cross folders": ("src/**", "src/a/b", "src"),
    "two stars cross no folder as well": ("src/**/b", "src/b", "srcb"),
    "two stars cross many folders": ("src/**/b", "src/x/y/b", "src/x/yb"),
    "two stars in front": ("**/b", "x/y/b", "x/yb"),
    "two stars in front match at the root": ("**/*.py", "a.py", "a.pyc"),
    "two stars alone": ("**", "any/thing", ""),
    "two stars twice": ("**/a/**/b", "x/a/y/b", "x/b/y/a"),
    "a later place fits where the first does not": ("**/a/b", "a/a/b", "a/x/b"),
    "a star between two stars": ("a/**/*/c", "a/b/c", "a/c"),
    "a literal folder covers its subtree": ("src", "src/a/b", "src2/a"),
    "a literal folder behind stars covers its subtree": ("**/out", "x/out/a", "x/outer/a"),
    "a final slash covers the subtree of a pattern": ("v*/", "v1/a", "w/v1/a"),
    "a class": ("[abc].py", "b.py", "d.py"),
    "a range": ("v[0-9]", "v7", "vx"),
    "a negated class": ("v[!0-9]", "vx", "v7"),
    "a negated class does not hold its own mark": ("v[!0-9]", "v!", "v9"),
    "a class negated with a caret": ("v[^0-9]", "vx", "v7"),
    "a negated class is no slash": ("a[!b]c", "axc", "a/c"),
    "a class that holds a bracket": ("[[]id]", "[id]", "i"),
    "a class that holds a closing bracket": ("a[]x]", "a]", "a[]x]"),
    "a negated class that holds a closing bracket": ("a[!]x]", "ab", "a]"),
    "a class with a dash at its end": ("a[b-]", "a-", "ac"),
    "a class of characters that regular expressions know": (r"a[&&||~~^.]", "a^", "ab"),
    "a class that holds a brace": ("a[{,}]b", "a,b", "ab"),
    "characters that regular expressions know": ("a.b+(c)$", "a.b+(c)$", "aXb+(c)$"),
    "a brace": ("{a,b}.py", "b.py", "c.py"),
    "a nested brace": ("{a,{b,c}d}.py", "cd.py", "c.py"),
    "two braces": ("{a,b}/{c,d}", "b/c", "a/b"),
    "a brace across folders": ("{src/x,lib}/*.py", "src/x/a.py", "src/a.py"),
    "a brace with stars": ("{src/**,lib}/a", "src/q/r/a", "q/a"),
    "a brace with an empty choice": ("a{,.bak}", "a.bak", "a.ba"),
    "a comma outside of braces": ("a,b", "a,b", "a"),
    "a leading dot is ordinary": ("*", ".env", ".env/a"),
    "hidden folders are ordinary": ("**/x", ".git/hooks/x", ".git/hooks"),
    "a leading ./ is tolerated": ("./src", "src/a", "x/src/a"),
    "a leading / means the repository": ("/src", "src/a", "x/src/a"),
    "a doubled slash and a dot in between are tolerated": ("src//./a", "src/a", "src/b"),
    "a dot is the whole repository": (".", "any/thing", None),
    "a leading dash is ordinary": ("-x", "-x", "x"),
    "a name with a newline": ("a*", "a\nb", "b\na"),
    "a name that is not UTF-8": ("caf?", "caf\udce9", "caf\udce9s"),
    "case matters": ("src/A", "src/A", "src/a"),
}


@pytest.mark.parametrize(("glob", "inside", "outside"), TABLE.values(), ids=TABLE)
def test_a_glob_covers_one_path_and_not_another(glob: str, inside: str, outside: str | None) -> None:
    assert check_glob(glob) == ""
    assert Scope([glob]).matches(inside)
    assert outside is None or not Scope([glob]).matches(outside)


@pytest.mark.parametrize(
    ("globs", "path", "covered"),
    [
        pytest.param(["src", "!src/gen"], "src/gen/a", False, id="an exclusion takes out"),
        pytest.param(["src", "!src/gen"], "src/a", True, id="an exclusion leaves the rest"),
        pytest.param(["src", "!src/gen", "src/gen/keep"], "src/gen/keep", True, id="a later glob takes in again"),
        pytest.param(["!src/gen", "src"], "src/gen/a", True, id="an earlier exclusion loses"),
        pytest.param(["!src"], "lib/a", False, id="an exclusion alone covers nothing"),
        pytest.param([], "a", False, id="no globs cover nothing"),
    ],
)
def test_the_last_glob_that_matches_decides(globs: list[str], path: str, covered: bool) -> None:
    assert Scope(globs).matches(path) is covered


def test_case_can_be_ignored() -> None:
    assert Scope(["Src/[a-c]*.PY"], ignore_case=True).matches("sRC/Bx.py")


@pytest.mark.parametrize(
    ("glob", "problem"),
    [
        pytest.param("", "empty", id="nothing"),
        pytest.param("!", "empty", id="an exclusion of nothing"),
        pytest.param("  ", "empty", id="spaces"),
        pytest.param("/", "empty", id="only a slash"),
        pytest.param("{src,}", "empty", id="an empty choice, which could mean everything"),
        pytest.param("{,a}/", "empty", id="an empty choice before a slash"),
        pytest.param("../x", "leads out", id="the parent folder"),
        pytest.param("!a/../b", "leads out", id="the parent folder inside"),
        pytest.param("{..,a}/b", "leads out", id="the parent folder in a brace"),
        pytest.param(".{.,}/b", "leads out", id="the parent folder made by a brace"),
        pytest.param("src\\a", "write `/`", id="a backslash"),
        pytest.param("C:/src", "on the machine", id="a drive"),
        pytest.param("~/src", "on the machine", id="the home folder"),
        pytest.param("{a,b", "brace", id="an open brace"),
        pytest.param("a}b{c", "brace", id="a brace closed first"),
        pytest.param("a[b", "bracket", id="an open bracket"),
        pytest.param("[z-a]", "not a glob", id="a range backwards"),
        pytest.param("{a,b}" * 20, "more than 256", id="a million choices"),
        pytest.param("{" * 1000 + "}" * 1000 + "{", "longer", id="a long glob"),
    ],
)
def test_a_glob_that_cannot_be_meant_is_refused(glob: str, problem: str) -> None:
    assert problem in check_glob(glob)


@pytest.mark.parametrize("glob", ["{a,b", "a}b", "a[b", "[z-a]", "{a,b}" * 20])
def test_a_glob_that_is_refused_stands_only_for_the_path_of_its_name(glob: str) -> None:
    assert Scope([glob]).matches(glob)
    assert not Scope([glob]).matches("a")


def test_braces_nest_as_deep_as_the_glob_is_long() -> None:
    assert Scope(["{" * 900 + "a" + "}" * 900]).matches("a")


@pytest.mark.parametrize(
    ("glob", "path"),
    [
        pytest.param("**/a/**/a/**/b", "a/" * 200 + "c", id="folders"),
        pytest.param("/".join(["**/a"] * 12) + "/b", "a/" * 200 + "c", id="more folders"),
        pytest.param("*a" * 12 + "b", "a" * 3000, id="one name"),
        pytest.param("**/*a*a*a/**/*a*a*b", "aaaa/" * 200, id="names and folders"),
        pytest.param("**/" + "?*" * 12 + "b", "a/" * 50 + "a" * 1000, id="question marks"),
        pytest.param("{**/a,**/*a}/{**/a,**/*a}/**/b", "a/" * 200, id="braces"),
        pytest.param("**/**/**/a*a*a*b", "a/" * 2000 + "a" * 2000, id="stars upon stars"),
        pytest.param("**/" * 300 + "b", "a/" * 2000, id="hundreds of stars"),
        pytest.param("*a" * 200 + "b", "a" * 4000, id="hundreds of stars in a name"),
        pytest.param("**/a/*/**/a/*/b", "a/" * 2000, id="a folder in between"),
        pytest.param("**/{a,b}*{a,b}*{a,b}*/**/{a,b}*c", "ab/" * 1300, id="choices within names"),
        pytest.param("{**/,}" * 7 + "a*b", "a/" * 2000, id="choices of stars"),
        pytest.param("[a-z]*[a-z]*[a-z]*[0-9]", "a" * 4000, id="classes"),
    ],
)
def test_a_path_made_to_be_slow_is_matched_all_the_same(glob: str, path: str) -> None:
    """A matcher that backtracks would not come to an end here; so there is no clock to be flaky."""
    assert not Scope([glob]).matches(path)


def test_what_a_sandbox_opens_for_a_scope_holds_everything_that_the_scope_covers() -> None:
    dice = random.Random(20261124)
    paths = ["/".join(_word(dice, "ab.", 2) for _ in range(dice.randint(1, 4))) for _ in range(60)]

    for glob in (_random_glob(dice) for _ in range(300)):
        below = bases([glob])[0]
        covered = [path for path in paths if Scope([glob]).matches(path)]
        assert below == "." or all(f"{path}/".startswith(f"{below}/") for path in covered), glob


def test_globs_agree_with_a_slow_reference_on_random_pairs() -> None:
    dice = random.Random(20261123)
    paths = ["/".join(_word(dice, "ab.", 3) for _ in range(dice.randint(1, 6))) for _ in range(80)]

    covered = 0
    for glob in (_random_glob(dice) for _ in range(400)):
        scope = Scope([glob])
        for path in paths:
            assert scope.matches(path) is _reference(glob, path), (glob, path)
            covered += scope.matches(path)
    assert 3000 < covered < 29_000  # of 32,000: pairs of both kinds were met


def _random_glob(dice: random.Random) -> str:
    names = [
        dice.choice(("**", "**", "*", _word(dice, "ab.*?", 4), "[ab]*", "[!a]b")) for _ in range(dice.randint(1, 5))
    ]
    return "/".join(names) + dice.choice(("", "", "", "/"))


def _word(dice: random.Random, letters: str, longest: int) -> str:
    word = "".join(dice.choices(letters, k=dice.randint(1, longest)))
    return "b" if set(word) == {"."} else "*" if word == "**" else word


def _reference(glob: str, path: str) -> bool:
    """Every way to lay the names of the glob on those of the path."""
    names, parts = glob.rstrip("/").split("/"), path.split("/")
    subtree = glob.endswith("/") or not set("*?[") & set(names[-1])

    @functools.cache
    def fits(name: int, part: int) -> bool:
        if name == len(names):
            return subtree or part == len(parts)
        if names[name] != "**":
            return part < len(parts) and _name_fits(names[name], parts[part]) and fits(name + 1, part + 1)
        if name == len(names) - 1:
            return part < len(parts)
        return any(fits(name + 1, later) for later in range(part, len(parts) + 1))

    return fits(0, 0)


def _name_fits(name: str, text: str) -> bool:
    """Every way to lay the characters of one name of a glob on a text."""
    pieces = re.findall(r"\[.+?\]|.", name)
    places = {0}
    for piece in pieces:
        if piece == "*":
            places = set(range(min(places, default=len(text) + 1), len(text) + 1))
        else:
            places = {place + 1 for place in places if place < len(text) and _character_fits(piece, text[place])}
    return len(text) in places


def _character_fits(piece: str, character: str) -> bool:
    if piece.startswith("["):
        return character not in piece[2:-1] if piece[1] == "!" else character in piece[1:-1]
    return piece in {"?", character}
