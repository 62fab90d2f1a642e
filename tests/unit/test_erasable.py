"""Sealed text: the digest of RFC 9901, computed once more by hand; and a sealer that keeps what it sealed."""

import base64
import hashlib
import json

import msgspec
import pytest
from hypothesis import given as whenever
from hypothesis import settings
from hypothesis import strategies as st

from domain.report import Evidence, ProgressReported
from domain.values import Sealed, Status
from events.erasable import Sealer, base64url, disclose, sealed_digest

SALT = bytes(range(16))


def by_hand(salt: str, value: str) -> str:
    """Base64url of the SHA-256 of the base64url of `["salt","value"]`, no padding anywhere."""
    array = json.dumps([salt, value], ensure_ascii=False, separators=(",", ":")).encode()
    disclosure = base64.urlsafe_b64encode(array).decode().rstrip("=")
    return base64.urlsafe_b64encode(hashlib.sha256(disclosure.encode("ascii")).digest()).decode().rstrip("=")


def test_one_digest_is_written_down_for_good() -> None:
    found = disclose("张三负责", SALT)
    assert found.salt == "AAECAwQFBgcICQoLDA0ODw"
    assert found.digest == "m7hZKsWHmV2ZSw1aAAwImvp7xmySSzxjNjaQQQqin7k"


@pytest.mark.parametrize("text", ["", "a", "张三", "𠮷😀", '引"号\\', "换\n行"])
def test_the_digest_is_that_of_the_definition(text: str) -> None:
    assert disclose(text, SALT).digest == by_hand("AAECAwQFBgcICQoLDA0ODw", text)


@whenever(st.binary(min_size=16, max_size=16), st.text(st.characters(exclude_categories=["Cs", "Cc"])))
@settings(deadline=None)
def test_every_digest_is_that_of_the_definition(salt: bytes, text: str) -> None:
    found = disclose(text, salt)
    assert found.value == text
    assert found.digest == sealed_digest(found.salt, text) == by_hand(found.salt, text)


@whenever(st.binary(max_size=64))
def test_base64url_has_no_padding_and_loses_nothing(data: bytes) -> None:
    text = base64url(data)
    assert "=" not in text
    assert base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)) == data


def test_another_salt_or_another_text_has_another_digest() -> None:
    digests = {disclose(text, salt).digest for text in ("甲", "乙") for salt in (SALT, SALT[::-1])}
    assert len(digests) == 4


def test_a_digest_is_what_a_sealed_field_may_hold() -> None:
    sealed = Sealed(disclose("甲", SALT).digest)
    assert msgspec.json.encode(sealed) == b'{"_sd":"' + sealed.digest.encode() + b'"}'
    assert msgspec.json.decode(msgspec.json.encode(sealed), type=Sealed) == sealed


@pytest.mark.parametrize("digest", ["", "A" * 42, "A" * 44, "A" * 42 + "=", "A" * 42 + "+"])
def test_what_is_no_digest_is_not_read_as_one(digest: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(msgspec.json.encode({"_sd": digest}), type=Sealed)


def test_a_sealer_knows_which_of_its_texts_stand_in_a_fact() -> None:
    salts = iter([b"a" * 16, b"b" * 16, b"c" * 16])
    sealer = Sealer(lambda: next(salts))
    narrative, title, other = map(sealer, ("正文", "标题", "别处"))
    fact = ProgressReported("2023", Status.COMPLETED, narrative, evidence=(Evidence("https://a.invalid/", title),))
    assert [one.value for one in sealer.behind(fact)] == ["正文", "标题"]
    assert [one.digest for one in sealer.disclosures] == [narrative.digest, title.digest, other.digest]


def test_a_fact_without_sealed_text_has_nothing_behind_it() -> None:
    sealer = Sealer(lambda: SALT)
    sealer("正文")
    assert sealer.behind(ProgressReported("2023", Status.COMPLETED)) == ()
