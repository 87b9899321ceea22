"""Seats: how many calls an upstream is asked at once, by this process. Who finds none waits in line."""

import asyncio
from collections import deque


class Seats:
    """So many seats."""

    __slots__ = ("_free", "_line")

    def __init__(self, number: int) -> None:
        self._free = number
        self._line: deque[asyncio.Future[None]] = deque()

    def take(self) -> bool:
        """Take a seat, if there is one."""
        if self._free <= 0:
            return False
        self._free -= 1
        return True

    async def wait(self, seconds: float) -> bool:
        """Take a seat within *seconds*, in the order of coming; tell whether there was one."""
        if self.take():
            return True
        place = asyncio.get_running_loop().create_future()
        self._line.append(place)
        try:
            async with asyncio.timeout(seconds):
                await place
        except BaseException as error:
            if place.done() and not place.cancelled():
                self.leave()  # it was given to us in the same moment
            elif place in self._line:
                self._line.remove(place)
            if isinstance(error, TimeoutError):
                return False
            raise
        return True

    def leave(self) -> None:
        """Give a seat back: to the first in line, if somebody waits."""
        while self._line:
            place = self._line.popleft()
            if not place.done():
                place.set_result(None)
                return
        self._free += 1
