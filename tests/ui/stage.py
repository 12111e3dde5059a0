"""What the tests of the faces play on: real runs in a real database, made by a scripted model and real tools."""

import asyncio
import base64
import json
import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from agents import Budget, GraphSpec, Runner, RunOptions, RunResult, agent, graph, layer
from agents.models import ModelRequest, Scripted
from agents.models.ledger import UNLIMITED
from store import Store
from store.events import AgentStarted, ArtifactRef, LayerCombined, LayerStarted, RunFinished, RunStarted, ToolCalled

TASK = "How much energy is 2 MW over 3 hours?"
TURN = {
    "calls": [{"name": "a", "tool": "calculate", "arguments": {"expression": "2 MW * 3 h"}}],
    "answers": ["a.value"],
}
REFUSAL = {"refusal": "no tool can tell the weather of last year's dreams"}
PLAN = {
    "asked": "how much energy",
    "subtasks": [
        {"goal": "work it out", "role": "solve", "agents": 1, "combine": "single", "tools": ["calculate"]},
        {"goal": "say it", "role": "explain", "agents": 1, "combine": "single", "tools": []},
    ],
}
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def two_layers() -> GraphSpec:
    """One agent that calculates, one that tells."""
    return graph(
        layer("solve", agent("solver", "Work it out.", tools=["calculate"])),
        layer("tell", agent("teller", "Say it in a sentence.")),
    )


def line(request: ModelRequest) -> str:
    """The script: a turn for who must call tools, words for who must write."""
    return json.dumps(TURN) if request.answer_schema else "It is 6 MWh."


def refusing(request: ModelRequest) -> str:
    return json.dumps(REFUSAL)


def make_run(
    place: str,
    *,
    task: str = TASK,
    script: Callable[[ModelRequest], str] = line,
    budget: Budget = UNLIMITED,
    spec: GraphSpec | None = None,
    model: str = "scripted",
) -> RunResult:
    """Run a small network with a scripted model, called `model`, in the store at `place`."""
    with Store.open(place) as store:
        runner = Runner(store, {model: Scripted(script)})
        try:
            options = RunOptions(model=model, budget=budget)
            return asyncio.run(runner.run(task, options, graph=spec or two_layers()))
        finally:
            runner.close()


def make_run_with_artifacts(place: str) -> str:
    """A run whose tool call left a picture, a table and something no page can show; returns its id."""
    with Store.open(place) as store:
        log = store.start_run(task="draw it", model="scripted")
        log.emit("run/started", RunStarted(task=log.put("draw it"), options=log.put('{"options": {}}'), seed=0))
        log.emit("layer/draw/started", LayerStarted(layer="draw", input=log.put("draw it")))
        log.emit("layer/draw/agent/painter/started", AgentStarted(layer="draw", agent="painter"))
        kept = (
            ArtifactRef(name="dot.png", media_type="image/png", blob=log.put(PIXEL), caption="a dot"),
            ArtifactRef(name="table.csv", media_type="text/csv", blob=log.put("bus,load <MW>\n1,2.5\n")),
            ArtifactRef(name="evil.svg", media_type="image/svg+xml", blob=log.put("<svg onload='alert(1)'/>")),
        )
        drawn = ToolCalled(
            call="c",
            tool="paint",
            version="1",
            arguments=log.put('{"size": 1}'),
            output=log.put('{"done": true}'),
            artifacts=kept,
        )
        log.emit("layer/draw/agent/painter/turn/0/call/a/tool", drawn, 0.5)
        done = LayerCombined(layer="draw", aggregator="single", output=log.put("{}"), took=("painter",))
        log.emit("layer/draw/combined", done)
        log.emit("run/finished", RunFinished(status="failed"))
        store.flush()
        return log.run_id


class ModelServer:
    """A tiny OpenAI-compatible server on loopback. It replies while `free` is set; `refuses` makes it refuse all work."""

    def __init__(self) -> None:
        self.asked = 0
        self.refuses = False
        self.free = threading.Event()
        self.free.set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.asked += 1
                outer.free.wait(60)
                answer = json.dumps(_completion(body, outer.refuses)).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def model(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1#tiny"

    def close(self) -> None:
        self.free.set()
        self._server.shutdown()
        self._server.server_close()


def _completion(body: dict[str, Any], refuse: bool) -> dict[str, Any]:
    schema = json.dumps(body.get("response_format", {}))
    if '"subtasks"' in schema:
        said = json.dumps(PLAN)
    elif '"calls"' in schema:
        said = json.dumps({"asked": "energy", **(REFUSAL if refuse else {"compare": "nothing", **TURN})})
    else:
        said = "It is 6 MWh."
    return {
        "id": "x",
        "object": "chat.completion",
        "created": 0,
        "model": body["model"],
        "choices": [{"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    }


def squeezed(text: str) -> str:
    """Text with its runs of blanks made one, so that tables and wraps do not matter."""
    return re.sub(r"\s+", " ", text)
