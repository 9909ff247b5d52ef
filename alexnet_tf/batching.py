"""Single images in, batches through the network, single answers out."""

import asyncio
import concurrent.futures


class Batcher:
    """Collects what waits while the network is busy, and answers it at once.

    Nobody waits for company: an image that comes to an idle network goes
    through alone, and those that come meanwhile go together afterwards.

    Args:
        answer: Called in a thread as `answer(kind, items)` with a list of
            items of one kind; returns a list of as many answers.
        most: Items of a batch.
    """

    def __init__(self, answer, most=32):
        self.answer = answer
        self.most = most
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
        """Answers until nobody waits, the kinds in turns."""
        while self._waiting:
            kind = next(iter(self._waiting))
            queue = self._waiting.pop(kind)
            batch, rest = queue[: self.most], queue[self.most :]
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
            for future, found in zip(futures, answers, strict=True):
                if not future.done():
                    future.set_result(found)
