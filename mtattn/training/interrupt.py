"""Ctrl-C and termination, honoured between two steps so that nothing is lost."""

import os
import signal
from types import FrameType, TracebackType


class Interrupted(KeyboardInterrupt):
    """The command was told to stop while it could not yet, or would no longer, save anything new.

    Attributes:
        signum: the signal's number.
    """

    def __init__(self, signum: int) -> None:
        super().__init__(f"interrupted by {signal.Signals(signum).name}")
        self.signum = signum


class Interrupt:
    """Catches SIGINT and SIGTERM while it is entered.

    Until `defer` is called, a signal raises `Interrupted` at once. From then on the first one is only
    noted in `signum`, and the second one raises.
    """

    def __init__(self) -> None:
        self.signum = 0
        self._deferred = False

    def defer(self) -> None:
        """From now on leave it to the caller to look at `signum` when it can stop."""
        self._deferred = True

    def _handle(self, signum: int, frame: FrameType | None) -> None:
        if not self._deferred or self.signum:
            raise Interrupted(signum)
        self.signum = signum
        os.write(2, b"\nstopping: the run is saved at the next step; once more = stop at once\n")

    def __enter__(self) -> "Interrupt":
        self._before = {s: signal.signal(s, self._handle) for s in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for signum, handler in self._before.items():
            signal.signal(signum, handler)
