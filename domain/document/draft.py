"""What is read from an official document: a draft of the plan, and every doubt about it."""

from datetime import date

import msgspec

from domain.values import Role


class UnreadableDocument(ValueError):
    """The bytes are no UTF-8 text. The message names line and byte offset, or the encoding found, and what to do."""


class Doubt(msgspec.Struct, frozen=True, rename="camel"):
    """What is not certain: a kind, the lines (from 1) of the document that it was read from, an English sentence.

    Of the kind `undercut`, which has no lines, is what was recorded before and, by facts of an earlier day, changes
    nothing any more or could not be reported.
    """

    kind: str
    lines: tuple[int, ...]
    detail: str


class DraftTarget(msgspec.Struct, frozen=True, rename="camel"):
    """A number the text promises: its exact words, the number as a decimal string, what is counted."""

    literal: str
    value: str
    unit: str


class DraftAssignment(msgspec.Struct, frozen=True, rename="camel"):
    """A unit or group of a task: the exact words, the registered name (None: not in the directory), the role."""

    literal: str
    unit: str | None
    role: Role


class DraftTask(msgspec.Struct, frozen=True, rename="camel"):
    """A row of the table. `part` is 0 and `measure` None where the document names none; a doubt then says so."""

    number: int
    text: str
    part: int
    measure: int | None
    assignments: tuple[DraftAssignment, ...]
    open_ended: bool
    due: date | None
    line: int
    targets: tuple[DraftTarget, ...] = ()


class DraftMeasure(msgspec.Struct, frozen=True, rename="camel"):
    """A measure: title from the table (from the prose where no row has it), heading and text from the prose.

    `heading` and `text` are empty where the prose lacks the point. `unassigned` are the sentences no task carries.
    """

    number: int
    part: int
    title: str
    heading: str
    text: str
    unassigned: tuple[str, ...]
    line: int


class DraftPart(msgspec.Struct, frozen=True, rename="camel"):
    """A part of the plan, 一 = 1; the title without its numeral."""

    number: int
    title: str
    line: int


class Reading(msgspec.Struct, frozen=True, rename="camel"):
    """The whole reading. What is no plan has `is_plan` False, nothing else, and doubts that say why."""

    is_plan: bool
    title: str | None = None
    preamble: str = ""
    parts: tuple[DraftPart, ...] = ()
    measures: tuple[DraftMeasure, ...] = ()
    tasks: tuple[DraftTask, ...] = ()
    doubts: tuple[Doubt, ...] = ()
