"""A plan in the standards by which others exchange plans: StratML."""

from typing import Any, Final

from api.standards import plans

HANDLERS: Final[list[Any]] = [plans.plan_in_stratml]
