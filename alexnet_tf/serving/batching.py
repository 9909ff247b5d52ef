"""Single images in, batches through the network, single answers out."""

import asyncio
import concurrent.futures


class Batcher:
    """Collects what waits while the network is busy, and answers it at once.

    An image that comes to an idle network goes through alone, and those that
    come meanwhile go together afterwards. As clients that have just been
    answered ask again, the next batch waits a moment until as many are there
    as last time; one client alone never waits.

    Args:
        answer: Called in a thread as `answer(kind, items)` with a list of
            items of one kind; returns a list of as many answers.
        max_batch_size: Items of a batch.
        max_wait_seconds: Seconds that a batch waits for those of the last one.
    """

    def __init__(self, answer, max_batch_size=32, max_wait_seconds=0.02):
        self.answer = answer
        self.max_batch_size = max_batch_size
        self.max_wait_seconds = max_wait_seconds
        self._waiting = {}
        self._thread = concurrent.futures.ThreadPoolExecutor(1)
        self._task = None

    async def __call__(self, kind, item):
        """Returns the answer to one item; raises what `answer` raised."""
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        self._waiting.setdefault(kind, []).append((item, future))
        if self._task is None or self._task.done():
            self._task = loop.create_task(self._work(loop))
        return await future

    async def _work(self, loop):
        """BatchedModel until nobody waits, the kinds in turns."""
        company = 1
        while self._waiting:
            kind = next(iter(self._waiting))
            await self._linger(kind, min(company, self.max_batch_size), loop)
            queue = self._waiting.pop(kind)
            batch, rest = (
                queue[: self.max_batch_size],
                queue[self.max_batch_size :],
            )
            company = len(queue)
            if rest:
                # Behind the other kinds.
                self._waiting[kind] = rest
            items, futures = zip(*batch, strict=True)
            try:
                answers = await loop.run_in_executor(
                    self._thread, self.answer, kind, list(items)
                )
            except Exception as error:
                for future in futures:
                    if not future.done():
                        future.set_exception(error)
                continue
            company += sum(map(len, self._waiting.values()))
            for future, found in zip(futures, answers, strict=True):
                if not future.done():
                    future.set_result(found)

    async def _linger(self, kind, count, loop):
        """Waits for as many of a kind, but not for long."""
        end = loop.time() + self.max_wait_seconds
        while len(self._waiting[kind]) < count and loop.time() < end:
            await asyncio.sleep(0.001)
