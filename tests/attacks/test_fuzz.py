"""3,000 spoilt requests with a fixed seed at all GETs, at GraphQL and at the commands: none is answered badly."""

from tests.attacks.conftest import Victim
from tests.attacks.fuzz import fuzz
from tests.attacks.mutations import Mutator

SEED = 20230328
COUNT = 3_000


async def test_spoilt_requests_are_answered_well(victim: Victim) -> None:
    bad = await fuzz(victim.port, victim.token, SEED, COUNT)
    assert bad == [], "\n".join(f"{one.number}: {one.what}\n    {one.request[:1_500]!r}" for one in bad[:10])
    await victim.is_honest()


def test_the_same_seed_is_the_same_requests() -> None:
    first, again, other = Mutator(1, "t"), Mutator(1, "t"), Mutator(2, "t")
    requests = [first.next() for _ in range(50)]
    assert [again.next() for _ in range(50)] == requests
    assert [other.next() for _ in range(50)] != requests
