"""Single images in, batches through, single answers out."""

import asyncio
import threading

import pytest

from alexnet_tf.serving.batching import Batcher


def test_those_that_wait_go_together_and_get_their_own_answer():
    batches = []
    begun, go_on = threading.Event(), threading.Event()

    def answer(kind, items):
        batches.append((kind, items))
        begun.set()
        assert go_on.wait(5)
        return [item * 10 for item in items]

    async def ask():
        batcher = Batcher(answer, max_batch_size=3)
        first = asyncio.ensure_future(batcher("a", 0))
        while not begun.is_set():
            await asyncio.sleep(0.001)
        others = [asyncio.ensure_future(batcher("a", i)) for i in range(1, 5)]
        odd = asyncio.ensure_future(batcher("b", 9))
        await asyncio.sleep(0.01)
        go_on.set()
        return await asyncio.gather(first, *others, odd)

    assert asyncio.run(ask()) == [0, 10, 20, 30, 40, 90]
    # An idle network answers at once; then at most three; "b" has its turn.
    assert batches == [("a", [0]), ("a", [1, 2, 3]), ("b", [9]), ("a", [4])]


def test_an_error_reaches_its_batch_and_not_the_next():
    def answer(kind, items):
        if kind == "bad":
            raise ValueError("no")
        return items

    async def ask():
        batcher = Batcher(answer)
        with pytest.raises(ValueError, match="no"):
            await batcher("bad", 1)
        return await batcher("good", 2)

    assert asyncio.run(ask()) == 2


def test_requests_take_turns():
    """One image of another does not wait for the hundred of the first."""
    batches = []
    begun, go_on = threading.Event(), threading.Event()

    def answer(kind, items):
        batches.append(items)
        begun.set()
        assert go_on.wait(5)
        return items

    async def ask():
        batcher = Batcher(answer, max_batch_size=4)
        first = asyncio.ensure_future(batcher("a", "first"))
        while not begun.is_set():
            await asyncio.sleep(0.001)
        many = [
            asyncio.ensure_future(batcher("a", i, "many")) for i in range(9)
        ]
        await asyncio.sleep(0)
        one = asyncio.ensure_future(batcher("a", "one", "single"))
        await asyncio.sleep(0.01)
        go_on.set()
        await asyncio.gather(first, one, *many)

    asyncio.run(ask())

    assert batches == [["first"], [0, "one", 1, 2], [3, 4, 5, 6], [7, 8]]


def test_what_was_cancelled_is_not_computed():
    batches = []
    begun, go_on = threading.Event(), threading.Event()

    def answer(kind, items):
        batches.append(items)
        begun.set()
        assert go_on.wait(5)
        return items

    async def ask():
        batcher = Batcher(answer)
        first = asyncio.ensure_future(batcher("a", 0))
        while not begun.is_set():
            await asyncio.sleep(0.001)
        others = [asyncio.ensure_future(batcher("a", i)) for i in (1, 2, 3)]
        await asyncio.sleep(0)
        others[1].cancel()
        await asyncio.sleep(0)
        go_on.set()
        await asyncio.gather(first, others[0], others[2])

    asyncio.run(ask())

    assert batches == [[0], [1, 3]]


def test_a_batch_waits_for_what_is_on_its_way():
    batches = []

    def answer(kind, items):
        batches.append(items)
        return items

    async def ask():
        batcher = Batcher(answer, max_wait_seconds=5)

        async def late():
            with batcher.coming("a"):
                await asyncio.sleep(0.05)
            return await batcher("a", 2)

        other = asyncio.ensure_future(late())
        await asyncio.sleep(0)
        await asyncio.gather(batcher("a", 1), other)

    asyncio.run(ask())

    assert sorted(map(len, batches)) in ([2], [1, 1])
    assert sorted(sum(batches, [])) == [1, 2]


def test_what_costs_more_goes_in_smaller_batches():
    batches = []

    def answer(kind, items):
        batches.append(len(items))
        return items

    async def ask():
        batcher = Batcher(answer, max_batch_size=32, cost=lambda kind: 10)
        await asyncio.gather(*(batcher("ten_crop", i) for i in range(7)))

    asyncio.run(ask())

    # 32 single crops are three images of ten.
    assert batches == [3, 3, 1]
