"""Links and anchors of Markdown files."""

from __future__ import annotations

import pytest

from autoresearch_mcp.tools.text.markdown import BrokenLink, broken_links, read_page, resolved

THERE = {"README.md", "docs", "docs/guide.md", "src/app.py", "docs/a b.png", "pictures/x.png"}
GUIDE = "# The Guide\n\n## Set up\n\n<a id='mark'></a>\n"


def wrong(text: str, path: str = "docs/page.md") -> list[tuple[int, str, str]]:
    found = broken_links({path: text, "docs/guide.md": GUIDE}, THERE.__contains__)
    return [(one.line, one.target, one.why) for one in found if one.path == path]


@pytest.mark.parametrize(
    "link",
    [
        "[x](guide.md)",
        "[x](./guide.md#set-up)",
        "[x](guide.md#mark)",
        "[x](../README.md)",
        "[x](/src/app.py)",
        "[x](../src/app.py#L10-L20)",
        "[x](a%20b.png)",
        "[x](<a b.png>)",
        "[x](.)",
        "[x](..)",
        "[x](../docs/)",
        "[x](guide.md?plain=1#set-up)",
        "[x](https://example.org/nowhere#at-all)",
        "[x](//example.org/nowhere)",
        "[x](mailto:ada@example.org)",
        "<https://example.org>",
        "[x](#top)",
        "[x](#)",
        "[x](#own)\n\n# Own",
        "[x][there]\n\n[there]: guide.md",
        "`[x](nowhere.md)`",
        "```\n[x](nowhere.md)\n```",
        "said[^1]\n\n[^1]: word",
        "---\ntitle: a page\n---\n",
        "<img src='../pictures/x.png'>",
        "![x](/pictures/x.png)",
    ],
)
def test_what_leads_somewhere_or_outside_is_fine(link: str) -> None:
    assert wrong(link) == []


@pytest.mark.parametrize(
    ("link", "line", "why"),
    [
        ("[x](nowhere.md)", 1, "there is no docs/nowhere.md"),
        ("[x](docs/guide.md)", 1, "there is no docs/docs/guide.md"),
        ("[x](../../outside.md)", 1, "it leads out of the repository"),
        ("[x](/../outside.md)", 1, "it leads out of the repository"),
        ("[x](guide.md#setup)", 1, "docs/guide.md has no heading #setup; there is #set-up"),
        ("[x](guide.md#Set-Up)", 1, "docs/guide.md has no heading #Set-Up; there is #set-up"),
        ("[x](#missing)", 1, "docs/page.md has no heading #missing"),
        ("[x]()", 1, "it has no target"),
        ("![x](no.png)", 1, "there is no docs/no.png"),
        ("one\ntwo `a\nb` [x](no.md)", 3, "there is no docs/no.md"),
        ("| a |\n|---|\n| b |\n| [x](no.md) |", 4, "there is no docs/no.md"),
        ("- one\n- two\n  > [x](no.md)", 3, "there is no docs/no.md"),
        ("---\ntitle: x\n---\n\n[x](no.md)", 5, "there is no docs/no.md"),
        ("<p>\n<img src='no.png'>\n</p>", 2, "there is no docs/no.png"),
        ("words\nand <a href='no.md'>x</a>", 2, "there is no docs/no.md"),
        ("[x][gone]\n\n[gone]: no.md", 1, "there is no docs/no.md"),
        ("[x](app.py:12)", 1, "there is no docs/app.py:12"),
    ],
)
def test_what_leads_nowhere_is_told_with_its_line(link: str, line: int, why: str) -> None:
    assert [(at, told) for at, _, told in wrong(link)] == [(line, why)]


def test_a_broken_link_names_its_file_and_target() -> None:
    assert broken_links({"a.md": "# A\n\n[b](b.md)\n", "c.md": "[a](a.md#a)"}, {"a.md", "c.md"}.__contains__) == (
        BrokenLink("a.md", 3, "b.md", "there is no b.md"),
    )


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("# Getting Started", "getting-started"),
        ("## `check_plan` and *more*", "check_plan-and-more"),
        ("# What's new in 2.0?", "whats-new-in-20"),
        ("# A -- B & C", "a----b--c"),
        ("# Größe für Käthe", "größe-für-käthe"),
        ("# [Link](x.md) here", "link-here"),
        ("# 中文 标题", "中文-标题"),
        ("# ✨ Sparks", "-sparks"),
        ("Set\n===", "set"),
        ("# Ends ##", "ends"),
    ],
)
def test_anchors_are_those_that_github_makes(heading: str, anchor: str) -> None:
    assert [one.anchor for one in read_page(heading).headings] == [anchor]


def test_equal_headings_are_numbered_and_no_two_share_an_anchor() -> None:
    page = read_page("# A\n# A\n# A 1\n# A\n> # A\n")

    assert [one.anchor for one in page.headings] == ["a", "a-1", "a-1-1", "a-2", "a-3"]


def test_a_page_tells_its_code_and_where_it_begins() -> None:
    page = read_page(
        "# One\n\nRun `make\ntest` or `ls`.\n\n```sh title=x\nmake test\n```\n\n- x\n\n  ~~~\n  plain\n  ~~~\n"
    )

    assert [(one.line, one.text) for one in page.spans] == [(3, "make test"), (4, "ls")]
    assert [(one.line, one.language, one.text) for one in page.blocks] == [
        (7, "sh", "make test\n"),
        (13, "", "plain\n"),
    ]


def test_windows_line_ends_change_no_line() -> None:
    assert [one.line for one in read_page("# A\r\n\r\n[x](y)\r\n").links] == [3]


@pytest.mark.parametrize(
    ("target", "place"),
    [("b.md", "docs/b.md"), ("/b.md", "b.md"), ("../b.md#x", "b.md"), ("#x", "docs/a.md"), ("http://x", None)],
)
def test_a_link_is_resolved_from_the_file_it_stands_in(target: str, place: str | None) -> None:
    assert resolved("docs/a.md", target) == place
