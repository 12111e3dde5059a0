"""A tool call that a person tries by hand: it runs in a worker process while the page looks at it from time to time."""

import asyncio
import threading
import time
from collections.abc import Mapping
from typing import Any

from tools import Executor, ToolError, ToolResult


class Attempt:
    """One call, begun when made.

    Attributes:
        done, what: How far it has come (0 to 1), and what it is doing.
        result, error: How it ended, once it has.
    """

    def __init__(self, executor: Executor, tool: str, arguments: Mapping[str, Any]) -> None:
        self.done, self.what = 0.0, ""
        self.result: ToolResult | None = None
        self.error: ToolError | None = None
        self._executor, self._tool, self._arguments = executor, tool, arguments
        self._began = time.monotonic()
        self._ended: float | None = None
        self._loop = asyncio.new_event_loop()
        self._call: asyncio.Task[ToolResult] | None = None
        self._begun = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"try-{tool}", daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    @property
    def seconds(self) -> float:
        """How long it has taken, so far or in all."""
        return (self._ended or time.monotonic()) - self._began

    def stop(self) -> None:
        """End the call; its worker is killed."""
        self._begun.wait()
        if self._call is not None and self.running:
            self._loop.call_soon_threadsafe(self._call.cancel)

    def join(self, seconds: float) -> None:
        """Wait for its end, at most so long."""
        self._thread.join(seconds)

    def _run(self) -> None:
        try:
            self._call = self._loop.create_task(
                self._executor.call(self._tool, self._arguments, on_progress=self._tell)
            )
            self._begun.set()
            self.result = self._loop.run_until_complete(self._call)
        except ToolError as error:
            self.error = error
        except asyncio.CancelledError:
            self.error = ToolError(f"{self._tool} was stopped")
        finally:
            self._loop.close()
            self._ended = time.monotonic()

    def _tell(self, done: float, what: str) -> None:
        self.done, self.what = min(max(done, 0.0), 1.0), what
