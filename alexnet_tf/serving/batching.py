"""Single images in, batches through the network, single answers out."""

import asyncio
import collections
import concurrent.futures
import contextlib


class Batcher:
    """Collects what waits while the network is busy, and answers it at once.

    An image that comes to an idle network goes through alone, and those that
    come meanwhile go together afterwards. A batch waits a moment for images
    that are on their way to it. Requests take turns: each gives one image to
    a batch before any gives its second, so that a request of one image is not
    held up by one of hundreds.

    Args:
        answer: Called in a thread as `answer(kind, items)` with a list of
            items of one kind; returns a list of as many answers.
        max_batch_size: Items of a batch.
        max_wait_seconds: Seconds that a batch waits for those on their way.
        cost: Called as `cost(kind)`: how many items one of that kind is worth.
    """

    def __init__(
        self,
        answer,
        max_batch_size=32,
        max_wait_seconds=0.02,
        cost=lambda kind: 1,
    ):
        self.answer = answer
        self.max_batch_size = max_batch_size
        self.max_wait_seconds = max_wait_seconds
        self.cost = cost
        # By kind and request: pairs of item and future.
        self._waiting = {}
        self._coming = collections.Counter()
        self._changed = asyncio.Event()
        self._thread = concurrent.futures.ThreadPoolExecutor(1)
        self._task = None

    @contextlib.contextmanager
    def coming(self, kind):
        """A scope in which an item is on its way."""
        self._coming[kind] += 1
        try:
            yield
        finally:
            self._coming[kind] -= 1
            if not self._coming[kind]:
                # A kind may hold a model, which is to go when it is replaced.
                del self._coming[kind]
            self._changed.set()

    async def __call__(self, kind, item, request=None):
        """Returns the answer to one item; raises what `answer` raised.

        Args:
            kind: Items of one kind go together.
            item: Anything.
            request: What the item belongs to, by whose turn it goes.
        """
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        requests = self._waiting.setdefault(kind, {})
        requests.setdefault(request, collections.deque()).append((item, future))
        self._changed.set()
        if self._task is None or self._task.done():
            self._task = loop.create_task(self._work(loop))
        return await future

    async def _work(self, loop):
        """Answers until nobody waits, the kinds in turns."""
        while self._waiting:
            kind = next(iter(self._waiting))
            most = max(1, self.max_batch_size // self.cost(kind))
            await self._linger(kind, most, loop)
            batch = self._take(kind, most)
            if not batch:
                continue
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
            # Those who have just been answered get to ask again.
            await asyncio.sleep(0)

    def _take(self, kind, most):
        """Returns a batch, an item a request and turn; the rest goes last."""
        requests = self._waiting.pop(kind)
        batch = []
        while requests and len(batch) < most:
            request = next(iter(requests))
            queue = requests.pop(request)
            item, future = queue.popleft()
            if queue:
                requests[request] = queue
            # Nobody waits for an answer that was cancelled.
            if not future.done():
                batch.append((item, future))
        if requests:
            self._waiting[kind] = requests
        return batch

    async def _linger(self, kind, most, loop):
        """Waits for what is on its way, but not for long."""
        end = loop.time() + self.max_wait_seconds
        while (
            kind in self._coming
            and sum(map(len, self._waiting[kind].values())) < most
            and loop.time() < end
        ):
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(end):
                    await self._changed.wait()
