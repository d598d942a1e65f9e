"""Runs the Python sessions of a document as a reader would type them, and says as JSON which did not answer as shown.

A script: the project's own Python runs it, with the standard library alone.
"""

from __future__ import annotations

import doctest
import json
import re
import sys
from typing import Any


class _Noting(doctest.DocTestRunner):
    """Notes what fails instead of printing it."""

    def __init__(self) -> None:
        super().__init__(verbose=False, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
        self.rows: list[dict[str, Any]] = []

    def _note(self, example: doctest.Example, got: str) -> None:
        row = {"line": example.lineno + 1, "typed": example.source, "shown": example.want, "answered": got}
        self.rows.append(row)

    def report_start(self, out: object, test: object, example: object) -> None:
        pass

    def report_success(self, out: object, test: object, example: doctest.Example, got: str) -> None:
        self._note(example, example.want)

    def report_failure(self, out: object, test: object, example: doctest.Example, got: str) -> None:
        self._note(example, got)

    def report_unexpected_exception(
        self, out: object, test: object, example: doctest.Example, exc_info: tuple[Any, ...]
    ) -> None:
        self._note(example, f"{exc_info[0].__name__}: {exc_info[1]}")


def main() -> None:
    """Run the sessions of the document that the first argument names, with the checkout's own packages first."""
    sys.path[:1] = ["", "src"]
    with open(sys.argv[1], encoding="utf-8") as file:
        # The end of a block would be taken for the last answer.
        text = re.sub(r"^[ >]*(?:```|~~~).*$", "", file.read(), flags=re.MULTILINE)
    runner = _Noting()
    try:
        test = doctest.DocTestParser().get_doctest(text, {"__name__": "__main__"}, sys.argv[1], sys.argv[1], 0)
        runner.run(test, out=lambda text: None)
    except ValueError as error:
        runner.rows.append({"line": 1, "typed": "the sessions", "shown": "", "answered": f"cannot be read: {error}"})
    sys.stdout.write(json.dumps(runner.rows) + "\n")


if __name__ == "__main__":
    main()
