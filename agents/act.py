"""One agent's turn: ask, check what it wants, run its calls, look at the numbers, ask again if something was wrong.

An agent with tools answers in a small program: calls, and answers as expressions over their outputs. What a deterministic check
or a tool finds wrong goes back to it in words. Three guards hold: a call that a tool refused is not made twice; a tool's word
that there is no answer is final; an agent that cannot mend its turn ends in the tool's refusal or in a typed failure, never in a
number.
"""

import inspect
import json
import re
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from pydantic import BaseModel

from agents.answer import Answer, Evidence, Quantity
from agents.check import (
    PAIR,
    SYSTEM,
    foreign_names,
    invented_numbers,
    mistyped_numbers,
    shared_numbers,
    unsaid_values,
    unused_numbers,
    unused_outputs,
)
from agents.comparison import directed_change, misdirected_change, misread_comparison
from agents.context import Context
from agents.evaluate import REFERENCE, Result, evaluate, number_of
from agents.grammar import turn_schema, written_schema
from agents.models.contract import FATAL, Message, ModelError, ModelRequest
from agents.program import Turn, completed, contrasted
from agents.prompt import AnyTool, Brief, answerable, describe, messages, shown
from agents.question import questions
from agents.refine import refine
from agents.spec import AgentSpec
from store.events import AgentAnswered, AgentFailed
from tools import BadInput, NoAnswer, ToolError, definition, get_tool, hints

Function = Callable[[Brief], Answer | str | Awaitable[Answer | str]]
FUNCTIONS: dict[str, Function] = {}


SHAKEN = 0.8  # temperature of a turn after one that was the same as an earlier one


class AgentGaveUp(Exception):
    """An agent did not mend its turn in the turns it had; `complaints` are the last ones."""

    kind = "gave_up"

    def __init__(self, agent: str, complaints: tuple[str, ...]) -> None:
        super().__init__(f"agent {agent} gave up: {'; '.join(complaints)}")
        self.complaints = complaints


class FunctionFailed(Exception):
    """The Python function that an agent is raised an error, or is not registered."""

    kind = "function_failed"


AGENT_ERRORS = (ModelError, ToolError, AgentGaveUp, FunctionFailed)


class Written(BaseModel, extra="allow"):
    """What an agent without tools says when it has answer fields."""

    answer: str


def function(name: str) -> Callable[[Function], Function]:
    """Register a Python function that an agent can be: `AgentSpec(function=name)`. It gets the `Brief`."""

    def register(f: Function) -> Function:
        FUNCTIONS[name] = f
        return f

    return register


async def act(agent: AgentSpec, brief: Brief, ctx: Context, at: str) -> Answer:
    """Run one agent. Raises one of `AGENT_ERRORS`."""
    if agent.function:
        return await _compute(agent, brief, ctx, at)
    if agent.tools:
        return await _work(agent, brief, ctx, at)
    return await _write(agent, brief, ctx, at)


async def _compute(agent: AgentSpec, brief: Brief, ctx: Context, at: str) -> Answer:
    """What the function says, or what it said before in this run: it may look at a clock, or take hours."""
    match ctx.log.find(f"{at}/answered"), ctx.log.find(f"{at}/failed"):
        case AgentAnswered(answer=kept), _:
            return Answer.load(ctx.log.text, kept)
        case _, AgentFailed(error=error):
            raise FunctionFailed(error.message)
    if agent.function not in FUNCTIONS:
        raise FunctionFailed(
            f"agent {agent.id} is the function {agent.function}, which is not registered: use @agents.function"
        )
    try:
        result = FUNCTIONS[agent.function](brief)
        answer = await result if inspect.isawaitable(result) else result
    except Exception as e:
        raise FunctionFailed(f"{type(e).__name__}: {e}") from e
    return answer if isinstance(answer, Answer) else Answer(text=answer)


async def _write(agent: AgentSpec, brief: Brief, ctx: Context, at: str) -> Answer:
    """Words without tools. What the last input stands on is handed on with them: checked values, evidence, that it is a refusal.

    An agent that must be faithful and cannot put its input into words hands it on in plain form.
    """
    try:
        return await _in_words(agent, brief, ctx, at)
    except FATAL:
        raise
    except (ModelError, AgentGaveUp):
        if "faithful" in agent.checks and brief.inputs:
            return brief.inputs[-1][1]
        raise


async def _in_words(agent: AgentSpec, brief: Brief, ctx: Context, at: str) -> Answer:
    base = brief.inputs[-1][1] if brief.inputs else Answer(text="")
    talk = messages(agent, brief, ())
    request = _request(agent, ctx, talk, written_schema(agent, brief.task) if agent.fields else None)
    sources = [brief.task, brief.goal, *(describe(a) for _, a in brief.inputs)]
    complaints: tuple[str, ...] = ()
    for turn in range(agent.max_turns):
        here = f"{at}/turn/{turn}"
        if agent.fields:
            text = (await ctx.gateway.structured(request, Written, at=here, purpose="write")).answer.strip()
        else:
            text = (await ctx.gateway.call(request, at=here, purpose="write")).text.strip()
        if "faithful" not in agent.checks:
            return base.model_copy(update={"text": text})
        complaints = mistyped_numbers(text, sources)
        left_out = [q for q in base.values if unsaid_values(text, [q.value])]
        if not complaints and left_out and turn == agent.max_turns - 1:
            text, left_out = " ".join([text, *(f"{q.name}: {q}." for q in left_out)]), []
        if not complaints and not left_out:
            return base.model_copy(update={"text": text})
        complaints = (*complaints, *unsaid_values(text, (q.value for q in left_out)))
        again = (Message(role="assistant", content=text), Message(role="user", content=_mend(complaints)))
        request = request.model_copy(update={"messages": (*talk, *again)})
    raise AgentGaveUp(agent.id, complaints)


async def _work(agent: AgentSpec, brief: Brief, ctx: Context, at: str) -> Answer:
    """Programs over tools, each turn on the brief anew with what is to be minded: a small model repeats what it sees, so its
    faulty turn is not shown to it again."""
    tools = tuple(get_tool(name) for name in agent.tools)
    *talk, task = messages(agent, brief, tools)
    request = _request(agent, ctx, (*talk, task), turn_schema(agent, tools, brief.task, _sources(brief)))
    desk = _Desk(agent, brief, ctx, {t.name: t for t in tools})
    said: list[Turn] = []
    for k in range(agent.max_turns):
        here = f"{at}/turn/{k}"
        turn = await ctx.gateway.structured(request, Turn, at=here, purpose="act")
        if turn.refusal:
            return Answer(text=desk.refusal or turn.refusal, refused=True)
        turn = completed(contrasted(turn, desk.tools, brief.task), desk.tools)
        desk.complaints = desk.check(turn)
        if not desk.complaints:
            try:
                await desk.run(turn, here)
                turn = desk.directed(turn)
                desk.complaints = desk.doubts(turn)
                if turn.answers and not desk.complaints:
                    return await desk.answer(turn, here)
            except NoAnswer as e:
                return Answer(text=_say(e), refused=True)
            except BadInput as e:
                desk.complaints = (_say(e),)
        elif desk.refusal:
            break  # the tool refused what the task says, and saying something else is no way out
        desk.minded |= dict.fromkeys(desk.complaints)
        note = _mind(tuple(desk.minded)) if desk.complaints else desk.outputs()
        again = task.model_copy(update={"content": f"{task.content}\n{note}"})
        request = request.model_copy(update={"messages": (*talk, again)})
        if turn.calls and turn in said:  # a greedy model that repeats itself has to be shaken
            request = request.model_copy(update={"temperature": SHAKEN, "seed": ctx.seed + k + 1})
        said.append(turn)
    if desk.refusal:
        return Answer(text=desk.refusal, refused=True)
    raise AgentGaveUp(agent.id, desk.complaints or ("no answer after the last look at the outputs",))


@dataclass
class _Desk:
    """What lies before an agent with tools: finished calls, refused calls, and what is wrong at the moment."""

    agent: AgentSpec
    brief: Brief
    ctx: Context
    tools: dict[str, AnyTool]
    results: dict[str, Result] = field(default_factory=dict)
    evidence: dict[str, Evidence] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)  # canonical call -> the tool's words
    refusal: str = ""  # the last thing a tool said against the question
    complaints: tuple[str, ...] = ()
    minded: dict[str, None] = field(default_factory=dict)  # all complaints so far, in order
    advised: set[str] = field(default_factory=set)  # what a check that may be wrong has said; it is said once

    def _invented(self, tool: str, arguments: dict[str, Any]) -> tuple[str, ...]:
        sources = _sources(self.brief)
        defaults = _defaults(self.tools[tool])
        fields, known = definition(self.tools[tool]).input_schema["properties"], hints(self.tools[tool])
        names = {n: v for n, v in arguments.items() if "enum" not in fields.get(n, {}) or "copied" in known.get(n, {})}
        return (*invented_numbers(arguments, sources, defaults), *foreign_names(names, sources, defaults))

    def check(self, turn: Turn) -> tuple[str, ...]:
        """Complaints about a turn before anything of it runs."""
        names = [c.name for c in turn.calls]
        found = [f"two calls are named {n}" for n in sorted({n for n in names if names.count(n) > 1})]
        found += [
            f"there is no tool {c.tool}; tools are {', '.join(self.tools)}"
            for c in turn.calls
            if c.tool not in self.tools
        ]
        if found:
            return tuple(found)
        found += [
            f"calls {x.name} and {y.name} are the same; give each the conditions of its own case"
            for x, y in combinations(turn.calls, 2)
            if (x.tool, x.arguments) == (y.tool, y.arguments)
        ]
        if turn.answers:
            used = _called_in(turn.answers)
            found += [f"call {n} is used in no answer; leave it out or use it" for n in names if n not in used]
            made = {*names, *self.results}
            found += [f"an answer uses call {n}, which is not made: make it too" for n in sorted(used - made)]
        if "grounded" in self.agent.checks:
            found += [complaint for c in turn.calls for complaint in self._invented(c.tool, c.arguments)]
        advice: list[str] = []
        if "complete" in self.agent.checks and turn.calls:
            advice += [f"{words}{self._place(words)}" for words in self._unused(turn)]
            for c in turn.calls:
                advice += shared_numbers(c.arguments, self.brief.task, _defaults(self.tools[c.tool]))
        if "comparison" in self.agent.checks and turn.answers:
            asked = str((turn.model_extra or {}).get("asked") or self.brief.task)
            called = {c.tool: self.tools[c.tool] for c in turn.calls}.values()
            changes = [output for tool in called for output in tool.changes]
            advice += misread_comparison(self.brief.task, asked, self._cases(turn), turn.answers, changes)
            for tool in called:
                advice += unused_outputs(asked, turn.answers, answerable(tool))
        return (*found, *self._once(advice))

    def directed(self, turn: Turn) -> Turn:
        """The turn with every difference taken the way the question wants it, where its cases leave no doubt."""
        if "comparison" not in self.agent.checks:
            return turn
        asked = self._wordings(turn)
        conditions = {e.name: len(self._conditions(e)) for e in self.evidence.values()}
        answers = [directed_change(asked, e, self._number, conditions) for e in turn.answers]
        return turn.model_copy(update={"answers": answers})

    def doubts(self, turn: Turn) -> tuple[str, ...]:
        """Advice about answers whose numbers do not go with the question's words."""
        if "comparison" not in self.agent.checks:
            return ()
        asked = self._wordings(turn)
        return self._once([a for e in turn.answers for a in misdirected_change(asked, e, self._number)])

    def _wordings(self, turn: Turn) -> tuple[str, str]:
        """The question as the agent and as the task say it."""
        return str((turn.model_extra or {}).get("asked", "")), " ".join(questions(self.brief.task))

    def _conditions(self, made: Evidence) -> dict[str, Any]:
        """What a call gives that is no default and not only where to look."""
        tool, defaults = self.tools[made.tool], _defaults(self.tools[made.tool])
        return {n: v for n, v in made.arguments.items() if n not in tool.asks and v != defaults.get(n)}

    def _number(self, reference: str) -> float:
        return number_of(reference, self.results)

    def _once(self, advice: list[str]) -> tuple[str, ...]:
        """The advice not given before."""
        fresh = tuple(a for a in dict.fromkeys(advice) if a not in self.advised)
        self.advised |= set(fresh)
        return fresh

    def _unused(self, turn: Turn) -> tuple[str, ...]:
        before = [e.arguments for e in self.evidence.values()]
        return unused_numbers([*before, *(c.arguments for c in turn.calls)], self.brief.task)

    def _cases(self, turn: Turn) -> list[dict[str, Any]]:
        """The arguments of each call; calls that differ only in what they look at are one case."""
        cases = [{n: v for n, v in c.arguments.items() if n not in self.tools[c.tool].asks} for c in turn.calls]
        return [case for k, case in enumerate(cases) if case not in cases[:k]]

    def _place(self, complaint: str) -> str:
        """Where a number that is not used could go: into the name of an element, or into an answer that looks there."""
        number = re.match(r"the task says (\d+),", complaint)
        sizes = re.findall(r"\d+", " ".join(SYSTEM.findall(self.brief.task)))  # of a system: no places in it
        if not number or number[1] in sizes:
            return ""
        name = next((p for p in PAIR.findall(self.brief.task) if number[1] in p.split("-")), number[1])
        elements, looks = [], []
        for tool in self.tools.values():
            for given, taken in tool.input_type().model_fields.items():
                if ("-" in name) != any("-" in str(example) for example in taken.examples or ()):
                    continue
                looks += [f"a.{output}[{name}]" for output in tool.asks.get(given, ())]
                elements += [given] if hints(tool)[given].get("copied") == "numbers" else []
        places = [f"it may belong into {' or '.join(elements)}"] if elements else []
        places += [f"an answer may look there: {' or '.join(looks)}"] if looks else []
        return "".join(f"; {place}" for place in places)

    async def run(self, turn: Turn, at: str) -> None:
        """Make the turn's calls, refining where the agent may. Raises `ToolError`."""
        for c in turn.calls:
            signature = json.dumps([c.tool, c.arguments], sort_keys=True)
            if signature in self.refused:
                raise NoAnswer(self.refused[signature])
            where = f"{at}/call/{c.name}"
            try:
                outcome = await self.ctx.hands.call(c.tool, c.arguments, at=where)
            except BadInput as e:
                self.refusal = self.refused[signature] = _say(e)
                raise
            tool, arguments = self.tools[c.tool], c.arguments
            if self.agent.refinements:
                arguments, outcome = await refine(self.agent, tool, arguments, outcome, self.ctx, where)
            self.results[c.name] = Result(tool, outcome.output)
            self.evidence[c.name] = Evidence(
                name=c.name,
                tool=c.tool,
                arguments=arguments,
                output=outcome.ref,
                shown=shown(outcome.output, tool.headline),
            )
        if turn.calls:
            self.refusal = ""  # what a tool said against an earlier try is mended

    async def answer(self, turn: Turn, at: str) -> Answer:
        values = [
            await evaluate(expression, self.results, self.ctx.hands, at=f"{at}/answer/{k}")
            for k, expression in enumerate(turn.answers)
        ]
        values = [q.model_copy(update={"name": _name(q, self.results)}) for q in values]
        text = "; ".join(f"{q.name}: {q}" for q in values)
        used = _called_in(turn.answers)
        return Answer(
            text=text,
            values=tuple(values),
            evidence=tuple(e for name, e in self.evidence.items() if name in used),
            caveats=self._unused(turn) if "complete" in self.agent.checks else (),
        )

    def outputs(self) -> str:
        shown_now = [f"{e.name}: {json.dumps(e.shown, ensure_ascii=False)}" for e in self.evidence.values()]
        return "Outputs so far:\n" + "\n".join(shown_now) + "\nGo on, or give the answers."


def _request(agent: AgentSpec, ctx: Context, talk: tuple[Message, ...], schema: dict[str, Any] | None) -> ModelRequest:
    return ModelRequest(
        model=agent.model or ctx.model,
        messages=talk,
        answer_schema=schema,
        temperature=agent.temperature,
        seed=ctx.seed + zlib.crc32(agent.id.encode())
        if agent.temperature
        else ctx.seed,  # siblings that sample must differ
        max_tokens=agent.max_tokens,
    )


def _sources(brief: Brief) -> str:
    """All that an agent may take numbers and names from."""
    return "\n".join([brief.task, brief.goal, *(describe(a) for _, a in brief.inputs)])


def _called_in(answers: list[str]) -> set[str]:
    """Names of the calls that expressions refer to."""
    return {m[1] for expression in answers for m in REFERENCE.finditer(expression)}


def _defaults(tool: AnyTool) -> dict[str, Any]:
    fields = tool.input_type().model_fields
    return {name: f.get_default(call_default_factory=True) for name, f in fields.items() if not f.is_required()}


def _name(quantity: Quantity, results: dict[str, Result]) -> str:
    """A value's name for people: the meaning of the output it is, or its expression."""
    call, _, output = quantity.expression.strip().partition(".")
    if call in results and output in results[call].output:
        description = results[call].tool.output_type().model_fields[output].description or output
        return description.partition(" [")[0]
    return quantity.expression


def _say(error: ToolError) -> str:
    return f"{error.message}; {error.hint}" if error.hint else error.message


def _mind(complaints: tuple[str, ...]) -> str:
    return "Mind: " + "; ".join(complaints) + "."


def _mend(complaints: tuple[str, ...]) -> str:
    return "That is not right yet: " + "; ".join(complaints) + ". Give the whole answer again, corrected."
