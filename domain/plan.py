"""The plan as a document: what was adopted, its parts and its measures. Its tasks have streams of their own."""

from datetime import date
from typing import Annotated, ClassVar, assert_never

import msgspec
from msgspec import Meta

from domain.fact import Fact, Ground
from domain.record import State
from domain.values import Name, Number, Sha256, Text

ProseText = Annotated[str, Meta(max_length=12_000, description="Prose of the plan, as published; may be empty.")]


class Part(msgspec.Struct, frozen=True):
    """一 … 五, numbered from 1."""

    number: int
    title: str
    line: int | None


class Measure(msgspec.Struct, frozen=True):
    """(一) … (十六): the table's title, the prose of the point with the same number, and what no task carries of it."""

    number: int
    part: int
    title: str
    heading: str
    text: str
    unassigned: tuple[str, ...]
    line: int | None


class Adopted(State, frozen=True):
    """A plan as an authority adopted it, without what was added to it; `document` as in PlanAdopted."""

    KIND: ClassVar[str] = "plan"

    title: str
    issuer: str
    document_number: str | None
    issued_on: date
    preamble: str
    document: str


class Plan(Adopted, frozen=True):
    """A plan as its own facts leave it."""

    parts: tuple[Part, ...] = ()
    measures: tuple[Measure, ...] = ()

    def has(self) -> frozenset[Ground]:
        """Its parts and measures."""
        return frozenset(
            {("part", one.number) for one in self.parts} | {("measure", one.number) for one in self.measures}
        )

    def stands_on(self) -> frozenset[Ground]:
        """The parts that its measures are in."""
        return frozenset(("part", one.part) for one in self.measures)

    def part(self, number: int) -> Part | None:
        """The part with this number, if the plan has it."""
        return next((one for one in self.parts if one.number == number), None)

    def measure(self, number: int) -> Measure | None:
        """The measure with this number, if the plan has it."""
        return next((one for one in self.measures if one.number == number), None)


class PlanAdopted(Fact, frozen=True, tag="plan.adopted.v1"):
    """An authority published the plan; `document` is the SHA-256 of the file it was read from."""

    title: Name
    issuer: Name
    document_number: Name | None
    issued_on: date
    preamble: ProseText
    document: Sha256


class PlanPartAdded(Fact, frozen=True, tag="plan.part_added.v1"):
    """A part and its title; `line` in the document."""

    number: Number
    title: Name
    line: Number | None = None

    def gives(self) -> Ground:
        """The part."""
        return "part", self.number


class PlanMeasureAdded(Fact, frozen=True, tag="plan.measure_added.v1"):
    """A measure: the table's title, the prose point with its heading, and the sentences that no task carries."""

    number: Number
    part: Number
    title: Name
    heading: ProseText
    text: ProseText
    unassigned: tuple[Text, ...] = ()
    line: Number | None = None

    def gives(self) -> Ground:
        """The measure."""
        return "measure", self.number


PlanFact = PlanAdopted | PlanPartAdded | PlanMeasureAdded


def evolve(plan: Plan | None, fact: PlanFact) -> Plan | None:
    """The plan after one more fact; before it was adopted there is none."""
    if isinstance(fact, PlanAdopted):
        return Plan(fact.title, fact.issuer, fact.document_number, fact.issued_on, fact.preamble, fact.document)
    if plan is None:
        return None
    match fact:
        case PlanPartAdded():
            part = Part(fact.number, fact.title, fact.line)
            parts = (*(one for one in plan.parts if one.number != part.number), part)
            return msgspec.structs.replace(plan, parts=parts)
        case PlanMeasureAdded():
            measure = Measure(fact.number, fact.part, fact.title, fact.heading, fact.text, fact.unassigned, fact.line)
            measures = (*(one for one in plan.measures if one.number != measure.number), measure)
            return msgspec.structs.replace(plan, measures=measures)
        case _:
            assert_never(fact)
