"""The closed lists of scenarios: where to look, what matters most in which domain, how to tell it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator

from ..ledger.items import Text, listed


class ScenarioDimension(StrEnum):
    """Where to look."""

    HAPPY = "happy-path"
    ERROR = "error"
    EDGE = "edge-case"
    ABUSE = "abuse"
    SCALE = "scale"
    CONCURRENT = "concurrent"
    TEMPORAL = "temporal"
    DATA = "data-variation"
    PERMISSION = "permission"
    INTEGRATION = "integration"
    RECOVERY = "recovery"
    STATE = "state-transition"


class Domain(StrEnum):
    """What the scenarios are about."""

    SOFTWARE = "software"
    PRODUCT = "product"
    BUSINESS = "business"
    SECURITY = "security"
    MARKETING = "marketing"


class ScenarioFormat(StrEnum):
    """How a page tells scenarios."""

    AUTO = "auto"
    USE_CASES = "use-cases"
    USER_STORIES = "user-stories"
    TEST_SCENARIOS = "test-scenarios"
    THREAT_SCENARIOS = "threat-scenarios"
    MIXED = "mixed"


PRIORITIES = {
    Domain.SOFTWARE: (
        ScenarioDimension.ERROR,
        ScenarioDimension.EDGE,
        ScenarioDimension.CONCURRENT,
        ScenarioDimension.DATA,
        ScenarioDimension.STATE,
    ),
    Domain.PRODUCT: (
        ScenarioDimension.HAPPY,
        ScenarioDimension.ERROR,
        ScenarioDimension.STATE,
        ScenarioDimension.PERMISSION,
        ScenarioDimension.RECOVERY,
    ),
    Domain.BUSINESS: (
        ScenarioDimension.HAPPY,
        ScenarioDimension.PERMISSION,
        ScenarioDimension.TEMPORAL,
        ScenarioDimension.INTEGRATION,
        ScenarioDimension.RECOVERY,
    ),
    Domain.SECURITY: (
        ScenarioDimension.ABUSE,
        ScenarioDimension.PERMISSION,
        ScenarioDimension.DATA,
        ScenarioDimension.INTEGRATION,
        ScenarioDimension.RECOVERY,
    ),
    Domain.MARKETING: (
        ScenarioDimension.HAPPY,
        ScenarioDimension.DATA,
        ScenarioDimension.TEMPORAL,
        ScenarioDimension.SCALE,
        ScenarioDimension.INTEGRATION,
    ),
}
"""The five dimensions that matter most in each domain."""
FORMATS = {
    Domain.SOFTWARE: ScenarioFormat.TEST_SCENARIOS,
    Domain.PRODUCT: ScenarioFormat.USER_STORIES,
    Domain.BUSINESS: ScenarioFormat.USE_CASES,
    Domain.SECURITY: ScenarioFormat.THREAT_SCENARIOS,
    Domain.MARKETING: ScenarioFormat.USER_STORIES,
}
"""How each domain's scenarios are told where nobody asked for another way."""
SUITABLE = {
    ScenarioDimension.HAPPY: ScenarioFormat.USE_CASES,
    ScenarioDimension.ABUSE: ScenarioFormat.THREAT_SCENARIOS,
    ScenarioDimension.PERMISSION: ScenarioFormat.THREAT_SCENARIOS,
}
"""How the mixed format tells a dimension; all others as test scenarios."""


def _lines(value: Any) -> Any:  # noqa: ANN401 - whatever a client sends
    """A list, also out of one text with a step a line."""
    return tuple(line.strip() for line in value.splitlines() if line.strip()) if isinstance(value, str) else value


Steps = Annotated[tuple[Text, ...], BeforeValidator(_lines)]
Dimensions = Annotated[tuple[ScenarioDimension, ...], BeforeValidator(listed)]
