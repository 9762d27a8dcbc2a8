"""What every store promises, asked of each of them."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from roomful.store import Fenced, Line, SessionRow, Store, UnknownSession
from roomful.store.memory import MemoryStore

pytestmark = pytest.mark.anyio

A, B, C = (f"{n}0000000-0000-4000-8000-000000000000" for n in "123")


def lines(first: int, last: int, *, ended: str | None = None) -> list[Line]:
    """Lines of a log, every second of them shown; the last one ends the session if `ended` is given."""
    made = [
        Line(seq, json.dumps({"seq": seq}), f"hash{seq}", shown=seq // 2 if seq % 2 == 0 else None)
        for seq in range(first, last + 1)
    ]
    return [*made[:-1], replace(made[-1], ended=ended)]


@pytest.fixture(params=["memory"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    opened = MemoryStore()
    yield opened
    await opened.close()


async def claimed(store: Store, *names: str) -> None:
    for number, name in enumerate(names):
        await store.reserve(name, float(number), "{}")
        await store.claim(name)


async def test_lines_come_back_as_they_were_stored(store: Store):
    await claimed(store, A)

    await store.append(A, 1, lines(1, 3))
    await store.append(A, 1, lines(4, 5, ended="duration_expired"))

    assert await store.read(A) == lines(1, 5, ended="duration_expired")
    assert await store.read(A, after=3) == lines(4, 5, ended="duration_expired")
    assert await store.read(A, after=5) == []


async def test_shown_lines_are_read_by_their_own_number(store: Store):
    await claimed(store, A)
    await store.append(A, 1, lines(1, 9))

    assert [line.shown for line in await store.read_shown(A)] == [1, 2, 3, 4]
    assert [line.seq for line in await store.read_shown(A, after=2)] == [6, 8]


async def test_a_session_is_found_as_it_stands(store: Store):
    await store.reserve(A, 12.5, '{"token": "t"}')
    reserved = await store.find(A)
    row = await store.claim(A)
    await store.append(A, row.epoch, lines(1, 2, ended="leave"))

    assert reserved == SessionRow(A, 12.5, 0, 0, "", None, '{"token": "t"}')
    assert row == replace(reserved, epoch=1)
    assert await store.find(A) == SessionRow(A, 12.5, 1, 2, "hash2", "leave", '{"token": "t"}')


async def test_sessions_are_listed_oldest_first_and_live_ones_apart(store: Store):
    await claimed(store, C, A, B)
    await store.append(A, 1, lines(1, 2))
    await store.append(C, 1, lines(1, 2, ended="leave"))

    assert [row.session_id for row in await store.sessions()] == [C, A, B]
    assert [row.session_id for row in await store.sessions(live=True)] == [A]


async def test_a_session_that_was_never_given_out_is_unknown(store: Store):
    assert await store.find(A) is None
    assert await store.read(A) == []
    with pytest.raises(UnknownSession):
        await store.claim(A)
    with pytest.raises(Fenced):
        await store.append(A, 0, lines(1, 1))


async def test_a_session_is_given_out_once(store: Store):
    await store.reserve(A, 1.0, "{}")

    await store.reserve(A, 1.0, "{}")  # the same again, as after a lost answer
    with pytest.raises(ValueError, match="given out before"):
        await store.reserve(A, 2.0, "{}")
    assert await store.sessions() == [SessionRow(A, 1.0, 0, 0, "", None, "{}")]


async def test_a_former_owner_is_fenced(store: Store):
    await claimed(store, A)
    await store.append(A, 1, lines(1, 2))

    row = await store.claim(A)

    with pytest.raises(Fenced):
        await store.append(A, 1, lines(3, 3))
    assert (row.epoch, row.head, row.head_hash) == (2, 2, "hash2")
    await store.append(A, 2, lines(3, 4))
    assert await store.read(A) == lines(1, 4)


@pytest.mark.parametrize("wrong", [[4], [1], [2, 3], [3, 5], [4, 3]])
async def test_lines_that_do_not_follow_the_head_are_refused(store: Store, wrong: list[int]):
    await claimed(store, A)
    await store.append(A, 1, lines(1, 2))

    with pytest.raises(Fenced):
        await store.append(A, 1, [Line(seq, "{}", f"other{seq}") for seq in wrong])

    assert await store.read(A) == lines(1, 2)


async def test_asking_again_for_what_is_stored_stores_it_once(store: Store):
    await claimed(store, A)
    await store.append(A, 1, lines(1, 2))
    await store.append(A, 1, lines(3, 4))

    await store.append(A, 1, lines(3, 4))

    assert await store.read(A) == lines(1, 4)


async def test_an_empty_append_changes_nothing(store: Store):
    await claimed(store, A)

    await store.append(A, 1, [])

    assert await store.read(A) == []


async def test_appends_made_at_once_keep_their_order(store: Store):
    await claimed(store, A, B)

    await asyncio.gather(
        store.append(A, 1, lines(1, 1)),
        store.append(B, 1, lines(1, 3)),
        store.append(A, 1, lines(2, 5)),
        store.append(A, 1, lines(6, 6)),
    )

    assert await store.read(A) == lines(1, 6)
    assert await store.read(B) == lines(1, 3)


async def test_one_fenced_session_disturbs_nobody(store: Store):
    await claimed(store, A, B, C)
    await store.claim(B)

    outcomes = await asyncio.gather(
        store.append(A, 1, lines(1, 2)),
        store.append(B, 1, lines(1, 2)),
        store.append(C, 1, lines(1, 2)),
        store.append(B, 2, [Line(1, "{}", "new owner")]),
        return_exceptions=True,
    )

    assert [type(outcome) for outcome in outcomes] == [type(None), Fenced, type(None), type(None)]
    assert await store.read(A) == await store.read(C) == lines(1, 2)
    assert await store.read(B) == [Line(1, "{}", "new owner")]


async def test_a_claim_among_appends_fences_what_comes_after_it(store: Store):
    await claimed(store, A)

    _, row, refused = await asyncio.gather(
        store.append(A, 1, lines(1, 1)),
        store.claim(A),
        store.append(A, 1, lines(2, 2)),
        return_exceptions=True,
    )

    assert isinstance(row, SessionRow)
    assert (row.epoch, row.head) == (2, 1)
    assert isinstance(refused, Fenced)


async def test_an_append_that_is_cancelled_while_it_waits_disturbs_nobody(store: Store):
    await claimed(store, A, B)

    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(store.append(A, 1, lines(1, 1)))
        second = tasks.create_task(store.append(B, 1, lines(1, 1)))
        tasks.create_task(store.append(A, 1, lines(2, 2)))
        asyncio.get_running_loop().call_soon(first.cancel)
    await store.append(B, 1, lines(2, 2))

    assert second.exception() is None
    assert await store.read(A) == lines(1, 2)
    assert await store.read(B) == lines(1, 2)


@pytest.mark.parametrize("content", ["\0", "\ud83d", "👩‍👩‍👧", "שלום", "a\nBob: b", "'; drop table entries; --"])
async def test_any_text_survives_as_escaped_json(store: Store, content: str):
    await claimed(store, A)
    line = Line(1, json.dumps({"content": content}), "hash1")

    await store.append(A, 1, [line])

    assert await store.read(A) == [line]
    assert json.loads((await store.read(A))[0].text) == {"content": content}


@pytest.mark.parametrize("text", ["\0", "\ud83d", "ü", "two\nlines"])
async def test_text_that_some_store_could_not_keep_is_refused_before_it_meets_others(store: Store, text: str):
    await claimed(store, A, B)

    refused, stored = await asyncio.gather(
        store.append(A, 1, [Line(1, text, "hash1")]), store.append(B, 1, lines(1, 1)), return_exceptions=True
    )

    assert isinstance(refused, ValueError)
    assert stored is None
    assert await store.read(A) == []


async def test_a_store_that_works_passes_its_check(store: Store):
    await store.check()
    await store.check()
