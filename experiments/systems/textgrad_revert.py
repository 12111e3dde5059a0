"""TextGrad as a rival of textual backpropagation: every prompt is a variable, criticism walks back to it, and it is rewritten.

It is a `Proposer` of the same training loop, so rollouts, budget, copy guard and log are ours; the gate is the plain one:
a step that does not lower the score on the deciding cases is kept, any other is reverted. There is no blame, momentum, pool,
trust region or structure.

Source: Yuksekgonul et al., "TextGrad: Automatic 'Differentiation' via Text", arXiv 2406.07496, with its validation-based revert.
Differs from it: one criticism of what an agent said serves both as the gradient of its prompt and as what those it heard are
told, where the paper asks once for each; both answers are single JSON fields, so that a small model cannot ramble.
"""

import asyncio
from collections import defaultdict
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel

from agents.backward import GradientItem, Rates, Trainer, TrainOptions
from agents.backward.critic import TEMPERATURE, View, clip, closed, compact, masked
from agents.backward.edit import Edit, SetPrompt
from agents.backward.editor import CannotEdit
from agents.backward.gate import agents_of
from agents.backward.gradient import Node, backward
from agents.backward.rollout import Rollout
from agents.backward.step import Proposed, Scene
from agents.models import BudgetExhausted, Message, ModelRequest
from agents.run import Runner
from agents.spec import AgentSpec

Result = TypeVar("Result")
MANY_STEPS = 200  # the budget ends it
UNBOUND = 1.0  # share of a prompt's words that a step may change
CRITICISM_CHARS, PROMPT_CHARS = 600, 2400
CRITICISE = """You are part of an optimisation system that improves the instructions of language models. You see the instructions
of one agent, what it heard, what it said, and the objections raised against what became of it. Say what in its instructions led
to these objections and how the instructions should change, so that they serve all tasks of this kind. Do not rewrite them, and
never write a case's answer into your feedback."""
REWRITE = """You are part of an optimisation system that improves the instructions of language models. You see the instructions
of one agent, and feedback on them from several tasks. Write improved instructions that heed all the feedback. They must serve
every task of this kind, so they name no task and no answer. Keep what nobody objected to."""


class Feedback(BaseModel):
    """What a critic says of one agent's instructions."""

    feedback: str


class Improved(BaseModel):
    """An agent's instructions, rewritten."""

    improved_instructions: str


def textgrad_trainer(runner: Runner, options: TrainOptions) -> Trainer:
    """The training loop with this proposer and its gate; `options` give everything that all methods share."""
    rates = options.rates.model_copy(update={"eta": UNBOUND})
    own = {"rates": rates, "gate": "revert", "structure": False, "steps": MANY_STEPS, "patience": MANY_STEPS}
    return Trainer(runner, options.model_copy(update=own), lambda: TextualGradientDescent(rates))


class TextualGradientDescent:
    """Criticises the failures of a minibatch back to every prompt, and rewrites each prompt that was criticised."""

    def __init__(self, rates: Rates) -> None:
        self.rates = rates

    async def propose(self, scene: Scene, made: Proposed) -> None:
        at = f"step/{scene.number}"
        view = await View.of(scene.bench, scene.rollouts, scene.target, self.rates.failures)
        walks = [self._walk_back(r, end, scene, f"{at}/gradient/{k}") for k, (r, end) in enumerate(view.bad)]
        gradients: dict[str, list[GradientItem]] = defaultdict(list)
        for item in (i for items in await _all(walks) for i in items):
            gradients[item.target].append(item)
        if not gradients:
            raise CannotEdit("no agent with instructions of its own had a part in what failed")
        layers = [layer.id for layer in scene.graph.layers]
        made.layer, made.blame = (
            layers[-1],
            dict.fromkeys(layers, 1 / len(layers)),
        )  # the walk begins there, and blames nobody
        made.gradient = tuple(item for items in gradients.values() for item in items)
        made.edits = tuple(
            await _all([self._rewritten(n, items, scene, f"{at}/rewrite/{n}") for n, items in gradients.items()])
        )

    def note(self, made: Proposed, accepted: bool, words: str) -> None:
        """A step that was reverted leaves nothing behind."""

    async def _walk_back(self, rollout: Rollout, end: Node, scene: Scene, at: str) -> list[GradientItem]:
        """The criticism of each agent that had a part in a failure, from the last to the first."""
        agents = {f"{layer.id}/{a.id}": a for layer, _, a in agents_of(scene.graph) if not a.function}
        objections: defaultdict[int, list[str]] = defaultdict(list)
        objections[id(end)] = [f"The whole answer scores {rollout.score or 0.0:g} of 1: {clip(rollout.words)}"]
        found = []
        for node in backward(end, 1.0):
            handed_on = objections[id(node)]
            if agent := agents.get(node.name):
                words = await self._criticism(agent, node, rollout, handed_on, scene, f"{at}/{node.name}")
                evidence = (f"rollout/{rollout.graph.hash[:16]}/{rollout.case.id}/{node.evidence}",)
                found.append(GradientItem(target=node.name, kind="set_prompt", text=words, evidence=evidence))
                handed_on = [f"{node.name}, who heard it, was told: {words}"]
            for parent in node.parents:
                objections[id(parent)] += [o for o in handed_on if o not in objections[id(parent)]]
        return found

    async def _criticism(
        self, agent: AgentSpec, node: Node, rollout: Rollout, objections: Sequence[str], scene: Scene, at: str
    ) -> str:
        given = {
            "instructions": agent.prompt,
            "task": clip(rollout.case.task),
            "heard": {p.name: clip(p.said) for p in node.parents if p.said is not None},
            "said": clip(node.said) if node.said is not None else f"FAILED: {node.why or 'no answer'}",
            "objections": list(objections),
        }
        if rollout.case.expected:
            given["wanted_in_the_end"] = clip(rollout.case.expected)
        request = self._request(CRITICISE, given, "feedback", CRITICISM_CHARS, scene)
        said = await scene.ctx.gateway.structured(request, Feedback, at=at, purpose="critic")
        return masked(said.feedback, scene.means.secrets)

    async def _rewritten(self, name: str, items: Sequence[GradientItem], scene: Scene, at: str) -> Edit:
        layer, _, id = name.partition("/")
        team, agent = next((t.id, a) for x, t, a in agents_of(scene.graph) if (x.id, a.id) == (layer, id))
        given = {"instructions": agent.prompt, "feedback": [i.text for i in items]}
        request = self._request(REWRITE, given, "improved_instructions", PROMPT_CHARS, scene)
        said = await scene.ctx.gateway.structured(request, Improved, at=at, purpose="editor")
        return SetPrompt(layer=layer, team=team, agent=id, prompt=said.improved_instructions)

    def _request(self, ask: str, given: Mapping[str, object], field: str, chars: int, scene: Scene) -> ModelRequest:
        return ModelRequest(
            model=self.rates.critic or scene.ctx.model,
            messages=(Message(role="system", content=ask), Message(role="user", content=compact(dict(given)))),
            answer_schema=closed({field: {"type": "string", "maxLength": chars}}),
            temperature=TEMPERATURE,
            seed=scene.ctx.seed,
            max_tokens=1000,
        )


async def _all(work: Sequence[Coroutine[Any, Any, Result]]) -> list[Result]:
    """What all of it comes to; where some fails, what failed first, when all has ended."""
    done = await asyncio.gather(*work, return_exceptions=True)
    if errors := [d for d in done if isinstance(d, BaseException)]:
        raise next((e for e in errors if isinstance(e, BudgetExhausted)), errors[0])
    return [d for d in done if not isinstance(d, BaseException)]
