"""Parts of a book worked on in several processes: decimals hold Python's lock, so threads would take turns.

A process is started for a book and ends with it.  Small books are worked on in this one, which takes
less time than to start another.
"""

from __future__ import annotations

import subprocess
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager, suppress
from queue import SimpleQueue

from steelyard.core.errors import UnavailableError
from steelyard.rebalance.book_parts import PartDesk
from steelyard.rebalance.book_worker import read_frame, write_frame

LOOK_S = 0.1
"""How often it is looked whether to stop, in seconds."""

_AHEAD = 2  # parts that wait for each process, so that none waits for the next one to be read

Work = Callable[[bytes], bytes]


def work_on_parts(
    shared: bytes, parts: Iterable[bytes], *, processes: int, keep_going: Callable[[], None] = lambda: None
) -> Generator[bytes]:
    """The result of each part, in their order.

    Args:
        shared: a packed :class:`steelyard.rebalance.book_parts.SharedInputs`.
        parts: packed, read as they are needed.
        processes: worked in; 0 is this one.
        keep_going: called now and then; what it raises ends the work.

    Raises:
        UnavailableError: a process died; to try again may help.
    """
    if processes == 0:
        desk = PartDesk(shared)
        for part in parts:
            keep_going()
            yield desk.work(part)
        return
    with _crew(shared, processes) as ask:
        waiting: deque[Future[bytes]] = deque()
        for part in parts:
            waiting.append(ask(part))
            if len(waiting) >= processes * _AHEAD:
                yield _result(waiting.popleft(), keep_going)
        while waiting:
            yield _result(waiting.popleft(), keep_going)


@contextmanager
def _crew(shared: bytes, processes: int) -> Iterator[Callable[[bytes], Future[bytes]]]:
    """Processes that have what is shared, and the way to hand a part to the first that is free."""
    free: SimpleQueue[_Worker] = SimpleQueue()
    with ExitStack() as stack:
        threads = stack.enter_context(ThreadPoolExecutor(processes, thread_name_prefix="book"))
        for _ in range(processes):
            worker = _Worker()
            stack.callback(worker.end)  # before the threads are waited for: those that read from it give up
            free.put(worker)

        def work(part: bytes) -> bytes:
            worker = free.get()
            try:
                return worker.work(shared, part)
            finally:
                free.put(worker)

        stack.callback(threads.shutdown, wait=False, cancel_futures=True)
        yield lambda part: threads.submit(work, part)


class _Worker:
    """One process."""

    def __init__(self) -> None:
        command = [sys.executable, "-P", "-m", "steelyard.rebalance.book_worker"]  # -P: nothing of the current folder
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 - ours
        self._is_told = False

    def work(self, shared: bytes, part: bytes) -> bytes:
        """What the process makes of a part."""
        process = self._process
        if process.stdin is None or process.stdout is None:
            raise AssertionError("unreachable: both are pipes")
        try:
            if not self._is_told:
                write_frame(process.stdin, shared)
                self._is_told = True
            write_frame(process.stdin, part)
            result = read_frame(process.stdout)
        except (OSError, ValueError):  # its pipe is broken, or closed by us
            result = None
        if result is None:
            raise UnavailableError("a process that worked on the book ended before its time", code="BOOK_WORKER_DIED")
        return result

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(OSError):  # what was not sent yet has nowhere to go
                    stream.close()


def _result(future: Future[bytes], keep_going: Callable[[], None]) -> bytes:
    keep_going()
    while not wait([future], timeout=LOOK_S).done:
        keep_going()
    return future.result()
