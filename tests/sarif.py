"""The official schema of SARIF 2.1.0, as its makers publish it."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from npm import npm_folder


def check_sarif(log: Any) -> None:  # noqa: ANN401 - any JSON
    """Validate a log. Skips the rest of the test where the schema cannot be had."""
    folder = npm_folder("@microsoft/jest-sarif@1.0.0-beta.0")
    if folder is None:
        pytest.skip("npm gave no schema of SARIF")
    schema: Any = json.loads((folder / "@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json").read_text("utf-8"))
    kind = jsonschema.validators.validator_for(schema)
    kind(schema, format_checker=jsonschema.FormatChecker()).validate(log)
