"""The closed lists of scenarios: where to look, what matters most in which domain, how to tell it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator

from ..ledger.items import Text, listed


class Dimension(StrEnum):
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


class Format(StrEnum):
    """How a page tells scenarios."""

    AUTO = "auto"
    USE_CASES = "use-cases"
    USER_STORIES = "user-stories"
    TEST_SCENARIOS = "test-scenarios"
    THREAT_SCENARIOS = "threat-scenarios"
    MIXED = "mixed"


PRIORITIES = {
    Domain.SOFTWARE: (Dimension.ERROR, Dimension.EDGE, Dimension.CONCURRENT, Dimension.DATA, Dimension.STATE),
    Domain.PRODUCT: (Dimension.HAPPY, Dimension.ERROR, Dimension.STATE, Dimension.PERMISSION, Dimension.RECOVERY),
    Domain.BUSINESS: (
        Dimension.HAPPY,
        Dimension.PERMISSION,
        Dimension.TEMPORAL,
        Dimension.INTEGRATION,
        Dimension.RECOVERY,
    ),
    Domain.SECURITY: (Dimension.ABUSE, Dimension.PERMISSION, Dimension.DATA, Dimension.INTEGRATION, Dimension.RECOVERY),
    Domain.MARKETING: (Dimension.HAPPY, Dimension.DATA, Dimension.TEMPORAL, Dimension.SCALE, Dimension.INTEGRATION),
}
"""The five dimensions that matter most in each domain."""
FORMATS = {
    Domain.SOFTWARE: Format.TEST_SCENARIOS,
    Domain.PRODUCT: Format.USER_STORIES,
    Domain.BUSINESS: Format.USE_CASES,
    Domain.SECURITY: Format.THREAT_SCENARIOS,
    Domain.MARKETING: Format.USER_STORIES,
}
"""How each domain's scenarios are told where nobody asked for another way."""
SUITABLE = {
    Dimension.HAPPY: Format.USE_CASES,
    Dimension.ABUSE: Format.THREAT_SCENARIOS,
    Dimension.PERMISSION: Format.THREAT_SCENARIOS,
}
"""How the mixed format tells a dimension; all others as test scenarios."""


def _lines(value: Any) -> Any:  # noqa: ANN401 - whatever a client sends
    """A list, also out of one text with a step a line."""
    return tuple(line.strip() for line in value.splitlines() if line.strip()) if isinstance(value, str) else value


Steps = Annotated[tuple[Text, ...], BeforeValidator(_lines)]
Dimensions = Annotated[tuple[Dimension, ...], BeforeValidator(listed)]
