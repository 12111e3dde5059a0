"""What can go wrong with a store, as types; each says in `hint` what would be right."""


class StoreError(Exception):
    """Base of all errors of this package."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(f"{message}; {hint}" if hint else message)
        self.message = message
        self.hint = hint


class Unavailable(StoreError):
    """The database cannot be reached or opened."""


class SchemaMismatch(StoreError):
    """The database was written by another version of Backprose.

    Attributes:
        found: The schema version in the database.
        expected: The schema version this program knows.
    """

    def __init__(self, found: str, expected: str) -> None:
        older = found < expected
        super().__init__(
            f"the database has schema {found}, {'older' if older else 'newer'} than this program's {expected}",
            hint="run `backprose db upgrade`" if older else "update Backprose, then run `backprose db upgrade`",
        )
        self.found = found
        self.expected = expected


class UnknownRun(StoreError):
    """No run has this id. `close` holds ids that look like it."""

    def __init__(self, run_id: str, close: tuple[str, ...] = ()) -> None:
        hint = f"did you mean {' or '.join(close)}?" if close else "`backprose runs list` shows all runs"
        super().__init__(f"no run {run_id}", hint=hint)
        self.run_id = run_id
        self.close = close


class AmbiguousRun(StoreError):
    """More than one run id starts like this. `matches` holds some of them."""

    def __init__(self, run_id: str, matches: tuple[str, ...]) -> None:
        super().__init__(f"several runs start with {run_id!r}: {', '.join(matches)}", hint="give more characters")
        self.run_id = run_id
        self.matches = matches


class RunAlive(StoreError):
    """The run is being written by a living process, so it can be neither resumed nor deleted. `pid` is that process."""

    def __init__(self, run_id: str, pid: int) -> None:
        super().__init__(f"run {run_id} is still running in process {pid}", hint="wait for it, or stop that process")
        self.run_id = run_id
        self.pid = pid


class UnknownBlob(StoreError):
    """No content with this hash is stored."""

    def __init__(self, ref: str) -> None:
        super().__init__(f"no content {ref} in this store")
        self.ref = ref


class WriteFailed(StoreError):
    """What was emitted could not be committed (disk full, database gone); nothing after it was written either."""

    def __init__(self, cause: str) -> None:
        super().__init__(f"the run log could not be written: {cause}", hint="put that right, then resume the run")
        self.cause = cause


class StoreClosed(StoreError):
    """The store was closed before this."""

    def __init__(self) -> None:
        super().__init__("the store is closed", hint="open it again with Store.open()")
