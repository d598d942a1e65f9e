"""The page for people and the cheats that are tried are the same list."""

from __future__ import annotations

import re
from pathlib import Path

from test_cheats_books import IN_THE_BOOKS
from test_cheats_caches import IN_CACHES
from test_cheats_files import IN_GIT, IN_THE_TREE, OUT_OF_SIGHT
from test_cheats_roles import IN_TWO_ROLES, ON_SEEDS
from test_cheats_runs import IN_A_RUN

from training_cheats import IN_TRAINING

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "adversary.md"


def test_the_page_lists_every_cheat_that_is_tried_and_no_other() -> None:
    rows = re.findall(r"^\| (?!---|cheat )(.+?) \| (.+?) \| (.+?) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)

    assert [name for name, _, _ in rows] == [
        *IN_THE_TREE,
        *IN_GIT,
        *OUT_OF_SIGHT,
        *IN_CACHES,
        *IN_A_RUN,
        *IN_TWO_ROLES,
        *ON_SEEDS,
        *IN_THE_BOOKS,
        *IN_TRAINING,
    ]
    told = re.search(r"Each of these (\d+) cheats", PAGE.read_text(encoding="utf-8"))
    assert told
    assert int(told[1]) == len(rows)
