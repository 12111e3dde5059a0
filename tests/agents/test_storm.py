"""A model that fails in every way at random: no run crashes, each ends in an answer or a typed failure, no blank is scored."""

import asyncio
import random
import re
from collections import Counter

from agents import GraphSpec, agent, graph, layer
from agents.loss import metric
from agents.models import ModelError, ModelReply, ModelRequest, RateLimited, ServerError, Usage
from agents.models import contract as model_errors
from store.events import AgentAnswered, ModelCalled, Scored
from tests.agents.lab import Lab, speaker, turn

RUNS, SHARE = 100, 0.3
FIRE = turn(("a", "kiln", {"temperature": 900}), answers=["a.hardness"])
FAILURES = {
    "gave_up",
    "team_failed",
    *(e.kind for e in vars(model_errors).values() if isinstance(e, type) and issubclass(e, ModelError)),
}


class Storm:
    """Answers well, or fails in one of eight ways."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.struck: Counter[str] = Counter()

    async def __call__(self, request: ModelRequest) -> str | ModelError | ModelReply:
        good = FIRE if request.answer_schema else "The clay has a hardness of 90 MPa."
        if self.random.random() >= SHARE:
            return good
        blow = self.random.choice(("429", "500", "hang", "blank", "cut", "schema", "tool", "length"))
        self.struck[blow] += 1
        match blow:
            case "429":
                return RateLimited("too many requests", retry_after=0.0)
            case "500":
                return ServerError("internal error")
            case "hang":
                await asyncio.sleep(3600)
            case "blank":
                return self.random.choice(("", " ", "\n\t"))
            case "cut":
                return good[: len(good) // 2] if request.answer_schema else ""
            case "schema":
                return '{"calls": "all of them"}' if request.answer_schema else " "
            case "tool":
                return FIRE.replace("kiln", "oven") if request.answer_schema else ""
        return ModelReply(text=good, finish="length", usage=Usage(prompt_tokens=9, completion_tokens=512))


def network() -> GraphSpec:
    voters = [speaker(f"solver{k}", tools=("kiln",), checks=("grounded",)) for k in range(3)]
    return graph(
        layer("solve", *voters, combine="majority", quorum=2),
        layer("check", agent("check", "", function="certify")),
        layer("say", speaker("writer", checks=("faithful",))),
    )


def test_no_storm_crashes_a_run(lab: Lab) -> None:
    endings: Counter[str] = Counter()
    struck: Counter[str] = Counter()
    for k in range(RUNS):
        lab.script = storm = Storm(k)
        run = lab.run(network(), f"Fire clay at 900 degC, {k}00", scorer=metric(90.0), attempts=3, deadline_s=0.02)
        struck += storm.struck
        endings[run.status] += 1
        events = lab.events(run)
        assert events["run/finished"]
        if run.status == "answered":
            assert run.answer.value == 90.0
            assert run.loss.score == 1.0
        else:
            assert (run.status, run.loss) == ("failed", None)
            assert run.error.kind in FAILURES
            assert not any(isinstance(e, Scored) for e in events.values())
        answers = [lab.store.text(e.answer) for e in events.values() if isinstance(e, AgentAnswered)]
        assert not any(re.search(r'"text":"\s*"', a) for a in answers)
        failed = [e for e in events.values() if isinstance(e, ModelCalled) and e.error]
        assert all(e.error.message for e in failed)
        if k % 10 == 0:
            assert [str(d) for d in lab.replay(run)[1]] == []
    assert set(endings) <= {"answered", "failed"}
    assert endings["answered"] > RUNS / 2
    assert len(struck) == 8
