"""Words are words: what nobody sees, or what is no word, stands in no text field of any command."""

from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec
import pytest

from domain.bundled import bundled_plan
from domain.commands import AnyCommand
from domain.document import read
from domain.errors import NotWords
from domain.record import Command, command_name
from domain.report import EvidenceOffered, ReportProgress
from domain.task import RewordTask
from domain.values import Status
from domain.words import check_words
from tests.unit.saying import WHY, given
from tests.unit.world import assigned, plan, task, unit

HIDDEN = {"a control": "\x07", "an override": "\u202e", "an isolate": "\u2066", "no character": "\U0001fffe"}


def free(type_: Any) -> bool:
    """Whether any text may stand there, not only such as has a form of its own."""
    if get_origin(type_) is Annotated:
        inner, *metas = get_args(type_)
        return free(inner) and not any(isinstance(one, msgspec.Meta) and one.pattern for one in metas)
    if get_origin(type_) in {Union, UnionType}:
        return any(map(free, get_args(type_)))
    return type_ is str


KINDS: list[type[Command]] = list(get_args(AnyCommand))
FIELDS = [
    (kind, field)
    for kind in KINDS
    for field in msgspec.structs.fields(kind)
    if free(field.type) and field.name not in kind.CLEANED
]


def said(kind: type[Command], name: str, text: str) -> Command:
    """A command of a kind, in one of whose fields stands a text, and in no other anything."""
    fields: dict[str, Any] = {one.name: text if one.name == name else None for one in msgspec.structs.fields(kind)}
    return kind(**fields)


@pytest.mark.parametrize(("kind", "field"), FIELDS, ids=[f"{command_name(kind)} {one.name}" for kind, one in FIELDS])
def test_no_text_field_of_any_command_takes_what_nobody_sees_or_what_is_no_word(
    kind: type[Command], field: Any
) -> None:
    check_words(said(kind, field.name, "词 (1)"))
    refused = ["\u3000 ", "\u200b", *(f"词{one}" for one in HIDDEN.values())]
    for text in refused + ([] if field.name in kind.LINES else ["一\n二"]):
        with pytest.raises(NotWords) as found:
            check_words(said(kind, field.name, text))
        assert found.value.pointer == f"/{field.encode_name}"


def test_texts_are_found_however_many_fields_a_command_has() -> None:
    assert {field.name for _, field in FIELDS} >= {
        "reason",
        "authority",
        "text",
        "name",
        "alias",
        "narrative",
        "issuer",
    }


def test_what_is_seen_by_nobody_is_named_with_its_place() -> None:
    command = RewordTask(task="credit-2023/1", text="推进\u202e信用立法。", reason=WHY)
    words = "this text has U+202E as character 3, which nobody sees: leave it out"
    given(*plan(), task()).when(command).refused(NotWords, words, "/text")


def test_evidence_and_the_names_of_an_import_are_words_too() -> None:
    evidence = (EvidenceOffered("https://example.org/", "\u2067"),)
    report = ReportProgress(
        task="credit-2023/1", unit="a", period="2023-Q1", status=Status.BLOCKED, narrative="一\n二", evidence=evidence
    )
    given(*plan(), unit("a"), task(), assigned("a")).when(report).refused(NotWords, pointer="/evidence/0/title")
    imported = msgspec.structs.replace(bundled_plan(), unit_ids={"市\x00局": "shi-ju"})
    given().when(imported).refused(NotWords, pointer="/unitIds")


@pytest.mark.parametrize("hidden", HIDDEN.values(), ids=HIDDEN)
def test_a_document_is_cleaned_by_its_reader_with_a_doubt(hidden: str) -> None:
    text = bundled_plan().text
    spoilt = text.replace("信用", f"信{hidden}用", 1)
    reading, clean = read(spoilt), read(text)
    assert [one.kind for one in set(reading.doubts) - set(clean.doubts)] == ["unreadable_character"]
    assert msgspec.structs.replace(reading, doubts=()) == msgspec.structs.replace(clean, doubts=())
