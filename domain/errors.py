"""What a rule refuses. Each error has a code for programs, a sentence for people, and knows nothing of HTTP."""

from collections.abc import Sequence
from typing import ClassVar


class Refused(Exception):
    """A rule said no. `pointer`: the field of the command it is about; `index`: the command's place in its list."""

    code: ClassVar[str] = "refused"
    index: int = 0

    def __init__(self, detail: str, *, pointer: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.pointer = pointer


class Unknown(Refused):
    """No such subject, or not at this date."""

    code = "unknown_id"


class Stale(Refused):
    """Somebody else wrote in between: expected version X, was Y."""

    code = "stale_version"


class NotWords(Refused):
    """A text that holds what nobody sees, or nothing that can be read."""

    code = "not_words"


class IsWithdrawn(Refused):
    """A withdrawn task is edited or reported on no more."""

    code = "task_withdrawn"


class NotWithdrawn(Refused):
    """Only a withdrawn task can be reinstated."""

    code = "not_withdrawn"


class AlreadyAssigned(Refused):
    """The unit already takes part in the task at that date."""

    code = "already_assigned"


class NotAssigned(Refused):
    """The unit takes no part in the task at that date."""

    code = "not_assigned"


class MayNotReport(Refused):
    """The unit is no assignee, no member of an assigned group and no successor of one."""

    code = "may_not_report"


class ReportExists(Refused):
    """One report per task, unit and period: correct the one there is with `replaces`."""

    code = "report_exists"


class WrongMeasurement(Refused):
    """A measurement counts towards a target of its task, in that target's unit."""

    code = "wrong_measurement"


class EmptyReport(Refused):
    """A report needs a narrative or a measurement."""

    code = "empty_report"


class WrongPeriod(Refused):
    """The period has not begun, or ended before the task existed."""

    code = "wrong_period"


class WrongDate(Refused, ValueError):
    """A date that no rule allows, such as a year 20230, or a report's in the future."""

    code = "wrong_date"


class AlreadyExists(Refused):
    """The id is taken: ids are for life."""

    code = "already_exists"


class SuccessionCircle(Refused):
    """A succession that leads back to its beginning, or to itself."""

    code = "succession_cycle"


class NotAGroup(Refused):
    """Members belong to groups, and groups have no groups as members."""

    code = "not_a_group"


class Membership(Refused):
    """Already a member, or not one."""

    code = "membership"


class ReasonMissing(Refused):
    """An edit says why."""

    code = "reason_missing"


class CannotUndo(Refused):
    """Only a live fact can be voided or replaced, in its own stream and by its own kind."""

    code = "cannot_undo"


class StillReferredTo(Refused):
    """The first fact of a subject stands while others name the subject."""

    code = "still_referred_to"


class Unrecordable(Refused):
    """A rule made a fact that its own shape does not allow, as a part 0: the log could never read it again."""

    code = "unrecordable"


class NotAPlan(Refused):
    """The document is no work plan of a known form; `doubts` say why."""

    code = "not_a_plan"

    def __init__(self, detail: str, doubts: Sequence[str] = ()) -> None:
        super().__init__(detail, pointer="/text")
        self.doubts = tuple(doubts)


class UnitsUnknown(Refused):
    """The document names units that have no id yet; `names` lists them."""

    code = "units_unknown"

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__("give each of these units an id in unitIds: " + "、".join(names), pointer="/unitIds")
        self.names = tuple(names)
