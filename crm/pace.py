"""How fast work gets on."""

from collections import deque
from time import perf_counter

WINDOW = 60.0  # seconds that the speed is an average of


class Pace:
    """The speed of a piece of work, in units a second, over about the last minute."""

    def __init__(self) -> None:
        self._total = 0
        self._marks: deque[tuple[float, int]] = deque()

    def after(self, done: int, total: int) -> float | None:
        """The speed when now ``done`` of ``total`` units are done; None when it cannot be told yet.

        Another total, or less done than before, begins another piece of work.
        """
        moment = perf_counter()
        if total != self._total or (self._marks and done < self._marks[-1][1]):
            self._marks.clear()
            self._total = total
        self._marks.append((moment, done))
        while len(self._marks) > 2 and self._marks[1][0] < moment - WINDOW:
            self._marks.popleft()
        since, first = self._marks[0]
        return (done - first) / (moment - since) if moment > since else None
