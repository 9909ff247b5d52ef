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
