import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from tests.ui.stage import PIXEL, squeezed
from tools import ToolResult, all_tools, executor
from tools.contract import Artifact

Cli = Callable[..., Result]
PROGRAM = [sys.executable, "-m", "backprose"]


@pytest.mark.alone
@pytest.mark.parametrize("words", [["--help"], ["tool", "list"], ["papers"], ["run", "--help"], ["--version"]])
def test_light_commands_cost_half_a_second_of_cpu_or_little_more_than_their_libraries(
    words: list[str], place: str
) -> None:
    def seconds(*program: str) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *program], check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    taken = [
        (seconds("-m", "backprose", *words), seconds("-c", "import typer, pydantic, rich.console")) for _ in range(5)
    ]
    ours, libraries = map(min, zip(*taken, strict=True))
    assert ours <= max(0.5, 4 * libraries)  # the second bound is for slow machines


def test_help_loads_nothing_heavy() -> None:
    heavy = ["torch", "litellm", "openai", "sqlalchemy", "langgraph", "agents", "jinja2"]
    code = f"import sys, ui.cli; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "[]\n"


def test_output_that_is_no_terminal_has_no_colours(place: str) -> None:
    for words in (["tool", "list"], ["papers"], ["runs", "show", "nothing"], ["--help"]):
        done = subprocess.run([*PROGRAM, *words], capture_output=True, text=True, check=False, env=dict(os.environ))
        assert "\x1b" not in done.stdout + done.stderr


def test_the_version_is_that_of_the_distribution(cli: Cli) -> None:
    assert cli("--version").stdout == "backprose 0.1.0\n"


def test_an_unknown_command_is_bad_usage(cli: Cli) -> None:
    assert cli("dance").exit_code == 2


def test_tool_list_has_every_tool_with_what_it_does(cli: Cli) -> None:
    shown = squeezed(cli("tool", "list").stdout)
    listed = json.loads(cli("tool", "list", "--json").stdout)
    assert [t["name"] for t in listed] == list(all_tools())
    assert "Works out an arithmetic expression exactly" in shown


def test_a_tool_page_has_units_ranges_source_and_an_example_that_works(cli: Cli) -> None:
    page = cli("tool", "show", "calculate").stdout
    for words in ("expression", "required", "1 to 500 characters", "exact", "Source: V. Pratt"):
        assert words in page
    example = page.split("Example: backprose ")[1]
    arguments = example.split(" ", 3)[3].strip().strip("'")
    assert json.loads(cli("tool", "call", "calculate", arguments).stdout)["unit"]


def test_every_tool_has_a_page(cli: Cli) -> None:
    for name in all_tools():
        assert cli("tool", "show", name).exit_code == 0
        assert json.loads(cli("tool", "show", name, "--json").stdout)["name"] == name


def test_a_tool_can_be_called_with_json_from_stdin(cli: Cli) -> None:
    done = cli("tool", "call", "calculate", "-", input='{"expression": "2 MW * 3 h in MWh"}')
    assert json.loads(done.stdout)["text"] == "6 MWh"


def test_bad_arguments_say_what_would_be_right(cli: Cli) -> None:
    done = cli("tool", "call", "calculate", '{"expresion": "1"}')
    assert done.exit_code == 2
    assert "did you mean expression?" in done.stderr
    assert "hint: calculate takes expression" in done.stderr
    assert cli("tool", "call", "calculate", "1 + 1").exit_code == 2
    assert cli("tool", "call", "calculate", "[1]").exit_code == 2


def test_an_unknown_tool_is_guessed(cli: Cli) -> None:
    done = cli("tool", "show", "calculat")
    assert done.exit_code == 2
    assert "did you mean calculate?" in done.stderr


def test_artifacts_are_written_only_where_asked_and_only_there(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = Artifact(name="../../dot.png", media_type="image/png", sha256="f", size=len(PIXEL))
    result = ToolResult({"value": 1}, (drawn,), {"f": PIXEL}, 0.0)
    monkeypatch.setattr(executor.Executor, "run", lambda self, tool, arguments, **more: result)
    assert cli("tool", "call", "calculate", "{}").exit_code == 0
    assert list(tmp_path.glob("**/*.png")) == []
    assert cli("tool", "call", "calculate", "{}", "--artifacts", str(tmp_path / "a" / "b")).exit_code == 0
    assert [p.relative_to(tmp_path) for p in tmp_path.glob("**/*.png")] == [Path("a/b/dot.png")]


def test_progress_of_a_call_goes_to_stderr(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(self: object, tool: str, arguments: object, *, on_progress: Callable[[float, str], None]) -> ToolResult:
        on_progress(0.5, "half way")
        return ToolResult({"value": 1}, (), {}, 0.0)

    monkeypatch.setattr(executor.Executor, "run", run)
    done = cli("tool", "call", "calculate", "{}", "--progress")
    assert "50 %  half way" in done.stderr
    assert json.loads(done.stdout) == {"value": 1}


def test_papers_has_a_row_for_each_of_the_42(cli: Cli) -> None:
    rows = json.loads(cli("papers", "--json").stdout)
    assert len(rows) == 42
    shown = squeezed(cli("papers").stdout)
    assert "01 the engine itself engine" in shown
    assert "filter_hgf_beliefs" in shown


def test_the_default_model_can_be_set_and_is_marked(cli: Cli) -> None:
    assert cli("model", "default").stdout == "local/qwen2.5-coder-1.5b\n"
    assert cli("model", "default", "local/smollm2-135m").stdout == "local/smollm2-135m\n"
    rows = json.loads(cli("model", "list", "--json").stdout)
    assert [row["name"] for row in rows if row["default"]] == ["local/smollm2-135m"]
    assert "* local/smollm2-135m" in squeezed(cli("model", "list").stdout)


def test_an_unknown_local_model_is_guessed(cli: Cli) -> None:
    done = cli("model", "fetch", "local/smollm2")
    assert done.exit_code == 2
    assert "did you mean local/smollm2-135m?" in done.stderr


def test_the_database_is_empty_then_upgraded_then_current(cli: Cli, place: str) -> None:
    assert json.loads(cli("db", "status", "--json").stdout)["state"] == "empty"
    assert cli("db", "upgrade").exit_code == 0
    status = cli("db", "status")
    assert status.exit_code == 0
    assert "current" in status.stdout
    assert place in status.stdout


def test_a_database_that_cannot_be_opened_is_named_without_a_traceback(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKPROSE_DB", "nonsense://x")
    done = cli("runs", "list")
    assert done.exit_code == 1
    assert "error: " in done.stderr
    assert "hint: use sqlite or postgresql" in done.stderr
    assert "Traceback" not in done.output


def test_debug_shows_where_an_error_came_from(cli: Cli) -> None:
    assert "Traceback" in cli("--debug", "runs", "show", "nothing").stderr
    assert "Traceback" in cli("runs", "show", "nothing", env={"BACKPROSE_DEBUG": "1"}).stderr
    assert "Traceback" not in cli("runs", "show", "nothing").stderr


def test_a_fault_of_the_program_is_owned_up_to_in_one_line(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("x")

    monkeypatch.setattr("store.list_runs", broken, raising=False)
    done = cli("runs", "list")
    assert done.exit_code == 1
    assert "this is a fault of Backprose: KeyError: 'x'" in done.stderr
    assert "Traceback" not in done.output
