"""Carrying out a run before somebody's eyes: one line that lives on a terminal, lines one after another elsewhere."""

import asyncio
from collections.abc import Callable, Mapping
from time import perf_counter
from types import TracebackType
from typing import Any, Self

import typer
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from agents import RunResult
from store import Store
from store.events import Event
from tools import Executor, ToolResult
from tools.perform import Progress as OnProgress
from tools.registry import AnyTool
from ui import launch
from ui.cli import show
from ui.cli.fail import CANCELLED
from ui.view import words
from ui.view.progress import Progress


def carry_out(store: Store, order: launch.Start | launch.Resume) -> RunResult:
    """Do one run on a store and show how it goes on stderr. Ctrl-C cancels it and says how to go on with it."""
    with Screen(store) as screen:
        try:
            return launch.carry_out(
                store, order, executor=Announcing(screen.tool), watch=screen.see, on_start=screen.begin
            )
        except (KeyboardInterrupt, asyncio.CancelledError):
            screen.say("cancelled; what is done is kept")
            if screen.run_id:
                typer.echo(f"go on with it: backprose runs resume {screen.run_id}", err=True)
            raise typer.Exit(CANCELLED) from None


class Announcing(Executor):
    """An executor that says which tool starts and how far it is."""

    def __init__(self, tell: Callable[[str, float | None, str], None]) -> None:
        super().__init__()
        self._tell = tell

    async def call(
        self,
        tool: str | AnyTool,
        arguments: Mapping[str, Any],
        *,
        on_progress: OnProgress | None = None,
        time_limit: float | None = None,
    ) -> ToolResult:
        name = tool if isinstance(tool, str) else tool.name

        def tell(done: float, what: str) -> None:
            self._tell(name, done, what)
            if on_progress:
                on_progress(done, what)

        self._tell(name, None, "")
        return await super().call(tool, arguments, on_progress=tell, time_limit=time_limit)


class Screen:
    """What a person sees of a run under way, on stderr."""

    def __init__(self, store: Store) -> None:
        self.run_id = ""
        self._console = show.err()
        self._progress = Progress(store.text)
        self._started = perf_counter()
        self._last = ""
        self._spinner = Spinner("dots")
        self._live = Live(get_renderable=self._line, console=self._console, transient=True, refresh_per_second=8)

    def begin(self, run_id: str) -> None:
        """The run has its id."""
        self.run_id = run_id
        self.say(f"run {run_id}")

    def see(self, key: str, event: Event) -> None:
        """Watch one event of the run."""
        if news := self._progress.see(key, event):
            self._last = self._progress.now
            self.say(news)
        self._show_change()

    def tool(self, name: str, done: float | None, what: str) -> None:
        """A tool starts, or says how far it is."""
        self._progress.tool(name, done, what)
        self._show_change()

    def say(self, news: str) -> None:
        """A line that stays."""
        self._console.print(Text(words.plain(f"{self._clock():>9}  {news}")))

    def _show_change(self) -> None:
        """Without a terminal, each change of what is being done is a line."""
        if not self._console.is_terminal and self._progress.now != self._last:
            self._last = self._progress.now
            self.say(f"{self._last} ({self._progress.where}; {self._progress.cost})")

    def _line(self) -> Spinner:
        p = self._progress
        self._spinner.update(
            text=Text(f"{self._clock()}  {p.where}  {words.plain(p.now)}  {p.cost}", overflow="ellipsis", no_wrap=True)
        )
        return self._spinner

    def _clock(self) -> str:
        return words.duration(perf_counter() - self._started)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()
