"""No budget is ever exceeded, in tokens, calls or dollars; what was reached is kept, and more money goes on from there."""

import asyncio
import json
import random
from collections import Counter
from decimal import Decimal

import pytest

from agents import Budget, GraphSpec, graph, layer
from agents.models import ModelReply, ModelRequest, Price, Scripted, Usage
from store.events import AgentAnswered
from tests.agents.lab import Lab, speaker, wait

CAPS, SEEDS = 200, 5
PRICE = Price(prompt=1.3e-6, completion=5.1e-6)


class Dear:
    """A priced model that takes and costs a little more or less each time, and counts what it charged."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.asked: Counter[str] = Counter()
        self.calls = self.tokens = 0
        self.usd = Decimal(0)

    async def __call__(self, request: ModelRequest) -> ModelReply:
        prompt = sum(len(m.content) for m in request.messages) // 4
        words = self.random.randint(5, request.max_tokens)
        await asyncio.sleep(self.random.choice((0, 0, 0.0005)))
        usage = Usage(prompt_tokens=prompt, completion_tokens=words)
        usd = Decimal(repr(PRICE.prompt)) * prompt + Decimal(repr(PRICE.completion)) * words
        self.asked[request.key()] += 1
        self.calls += 1
        self.tokens += usage.total
        self.usd += usd
        judges = "compare answers" in request.messages[0].content
        text = json.dumps({"reason": "", "index": 0}) if judges else f"{request.messages[0].content} says {prompt}"
        return ModelReply(text=text, usage=usage, usd=float(usd))


def network() -> GraphSpec:
    return graph(
        layer("think", *[speaker(f"thinker{k}", max_tokens=40) for k in range(5)], combine="judge"),
        layer("doubt", *[speaker(f"doubter{k}", max_tokens=40) for k in range(3)], combine="debate"),
        layer("say", speaker("writer", max_tokens=40)),
    )


def execute(lab: Lab, model: Dear, budget: Budget, task: str) -> object:
    lab.runner.providers = {"scripted": Scripted(model, price=PRICE)}
    return lab.run(network(), task, budget=budget)


@pytest.mark.parametrize("limit", ["calls", "tokens", "usd"])
def test_no_random_cap_is_ever_exceeded_and_more_money_repeats_no_paid_call(lab: Lab, limit: str) -> None:
    needs = []
    for seed in range(SEEDS):
        whole = Dear(seed)
        assert execute(lab, whole, Budget(), f"{limit} {seed} whole").status == "answered"
        needs.append(float(getattr(whole, limit)))
    for k in range(CAPS // 3 + 1):
        need = needs[k % SEEDS]
        cap = random.Random(f"{limit}{k}").uniform(0, 0.9) * need
        cap = cap if limit == "usd" else int(cap)
        model = Dear(k % SEEDS)
        run = execute(lab, model, Budget(**{limit: cap}), f"{limit} {k}")

        assert run.status == "budget_exhausted", (k, cap, need)
        assert getattr(model, limit) <= cap
        assert (run.spent.calls, run.spent.tokens) == (model.calls, model.tokens)
        assert float(run.spent.usd) == pytest.approx(float(model.usd), rel=1e-12)
        assert run.error.kind == "budget_exhausted"
        assert (run.answer is not None) == bool(lab.events(run, AgentAnswered))
        if k % 4 == 0:
            more = wait(lab.runner.resume(run.run_id, budget=Budget()))
            assert (more.status, more.run_id == run.run_id) == ("answered", False)
            assert set(model.asked.values()) == {1}
            assert lab.replay(more)[1] == lab.replay(run)[1] == ()


def test_a_zero_budget_asks_nothing(lab: Lab) -> None:
    for budget in (Budget(calls=0), Budget(tokens=0), Budget(usd=0)):
        model = Dear(0)
        run = execute(lab, model, budget, f"{budget}")
        assert (run.status, model.calls, run.answer) == ("budget_exhausted", 0, None)


def test_partial_results_are_kept_and_the_best_of_them_is_the_answer(lab: Lab) -> None:
    model = Dear(1)
    run = execute(lab, model, Budget(calls=7), "partial")  # five thinkers, their judge, one doubter
    assert run.answer.text.startswith("You are thinker")
    assert len(lab.events(run, AgentAnswered)) == 6
    assert "the budget of 7 calls is exhausted: 7 spent" in run.error.message


def test_a_judge_that_finds_the_budget_spent_loses_no_answer(lab: Lab) -> None:
    run = execute(lab, Dear(1), Budget(calls=5), "judge")
    assert (run.status, run.answer is not None) == ("budget_exhausted", True)
    assert run.error.message.startswith("layer think: 0 of 5 agents failed (combine: the budget of 5 calls")
