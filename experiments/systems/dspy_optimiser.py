"""DSPy as a rival of textual backpropagation: its optimiser MIPROv2 searches prompts and demonstrations of the same network.

To DSPy the network is a program with one predictor for each agent that is a model. MIPROv2 takes turns that went well in the
training split as demonstrations, has instructions written, and searches combinations of both by their score on the deciding
cases. Rollouts go through our engine, and what DSPy itself asks a model through our gateway, so that both are counted, bounded
and kept as they are for us. The package is the extra `backprose[dspy]`.

Source: Khattab et al., "DSPy: Compiling Declarative Language Model Calls into Self-Improving Pipelines", arXiv 2310.03714;
Opsahl-Ong et al., "Optimizing Instructions and Demonstrations for Multi-Stage Language Model Programs", arXiv 2406.11695.
Differs from them: labelled demonstrations are left out, because a right answer of a suite is no turn of an agent; DSPy is not
shown the program's source, which would be this module; the search goes on until the budget ends it.
"""

import io
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import Any, TextIO

from agents import Example, GraphSpec, Runner, RunOptions, SpecError
from agents.backward.critic import clip
from agents.backward.edit import AddExample, Edit, SetPrompt, apply_all
from agents.backward.editor import CannotEdit, Means, demonstration
from agents.backward.gate import agents_of
from agents.backward.rollout import Case, Rollout
from agents.models import Message, ModelReply, ModelRequest
from experiments.systems.guest import Found, Host, Over, entertain

CANDIDATES = 12  # sets of demonstrations, as in DSPy's medium setting; of instructions it takes half as many
SHOTS = 4  # demonstrations of a set at most; DSPy's own
MANY_TRIALS = 300  # the budget ends it, or that nothing new is tried
MOST_IDLE = 50  # trials in a row of graphs that were tried before
SEEN_AT_ONCE = 5  # training cases that DSPy shows a model to have them described
MOST_WRITTEN = 1000  # tokens of what a model writes for DSPy


async def dspy_fit(
    runner: Runner,
    graph: GraphSpec,
    train: Sequence[Case],
    val: Sequence[Case],
    run: RunOptions,
    *,
    rollouts: int,
    target: float = 1.0,
    parallel: int = 4,
    critic: str = "",
) -> Found:
    """Have DSPy optimise a graph with at most so many rollouts, and within the budget of `run`; a step is a graph it tried.

    Args:
        target: Score of a training case whose turns may be demonstrations.
        critic: Model that writes instructions; left out, the run's.

    Raises:
        ModuleNotFoundError: The extra is not installed.
        SpecError: No agent of the graph is a model.
        ModelError: The model cannot be reached.
    """
    try:
        import dspy
        import optuna  # MIPROv2 imports it when it is too late to say so
    except ModuleNotFoundError as e:
        raise ModuleNotFoundError("DSPy needs its packages: pip install 'backprose[dspy]'") from e
    del optuna
    if all(a.function for _, _, a in agents_of(graph)):
        raise SpecError("no agent of the network is a model, so DSPy has nothing to optimise")

    def compile_(host: Host) -> Found:
        search = _Search(graph, train, val, host, target, critic or run.model)
        search.carry_out(dspy)
        return Found(search.best, len(search.decided), host.reason)

    return await entertain(
        "DSPy",
        compile_,
        runner,
        graph,
        (*train, *val),
        run,
        rollouts=rollouts,
        parallel=parallel,
        settings=(target, critic),
    )


class _Search:
    """One search, which DSPy's program and model turn to for all they want."""

    def __init__(
        self, graph: GraphSpec, train: Sequence[Case], val: Sequence[Case], host: Host, target: float, writer: str
    ) -> None:
        self.graph = graph
        self.train = train
        self.val = val
        self.host = host
        self.target = target
        self.writer = writer
        self.best = graph
        self.decided: dict[str, dict[str, Rollout]] = {}  # by graph, its rollouts of all cases that decide
        self.given: dict[str, str] = {}  # the instructions of each agent as DSPy first read them
        self._cases = {c.id: c for c in train}
        self._idle = 0

    def __deepcopy__(self, memo: dict[int, Any]) -> "_Search":
        return self  # DSPy copies programs, and all copies share one search

    def carry_out(self, dspy: Any) -> None:
        """Optimise; the best graph then stands in `best`. Raises `Over` where something went wrong in the engine."""
        model = dspy.LM("gateway", engine=_Engine(self), cache=False, num_retries=0, max_tokens=MOST_WRITTEN)
        with _hushed(), dspy.context(lm=model, adapter=dspy.JSONAdapter(), disable_history=True):
            try:
                self._decide(self.graph)  # before all else, so that there is a best one
                self._optimiser(dspy, model).compile(
                    _program(dspy, self),
                    trainset=_examples(dspy, self.train),
                    valset=_examples(dspy, self.val),
                    num_trials=MANY_TRIALS,
                    minibatch=False,  # as DSPy itself has it for up to 50 deciding cases
                    program_aware_proposer=False,
                    view_data_batch_size=SEEN_AT_ONCE,
                )
                self.host.end(f"{MANY_TRIALS} trials are done")
            except Over:
                if self.host.broken:
                    raise
            except dspy.DSPyError as e:
                self.host.reason = f"DSPy gave up: {e}"  # what the model wrote for it could not be read

    def _optimiser(self, dspy: Any, model: Any) -> Any:
        made = dspy.MIPROv2(
            metric=lambda example, prediction, trace=None: prediction.score,
            prompt_model=model,
            task_model=model,
            auto=None,
            num_candidates=CANDIDATES,
            max_bootstrapped_demos=SHOTS,
            max_labeled_demos=0,
            metric_threshold=self.target,
            num_threads=1,  # cases that decide are run side by side by the bench
            seed=self.host.bench.ctx.seed,
        )
        made.num_instruct_candidates = CANDIDATES // 2
        return made

    def predict(self, program: Any, case: str) -> tuple[float, str]:
        """A program's score on a case, and its answer. In a training case, DSPy's trace gets the turns of all agents."""
        from dspy import settings

        try:
            graph = self.graph_of(program)
        except SpecError:
            return 0.0, ""  # the network cannot be told this
        if case not in self._cases:
            rollout = self._trial(graph, case)
        else:
            (rollout,) = self.host.rolled(graph, [self._cases[case]])
            for name, shown in self.host.wait(self._turns(rollout)).items():
                heard = {"task": shown.task, "origin": shown.origin}
                settings.trace.append((program.agents[name], heard, {"turn": shown.turn}))
        return rollout.score or 0.0, rollout.answer.text if rollout.answer else rollout.words

    def graph_of(self, program: Any) -> GraphSpec:
        """The network with the instructions and demonstrations of a program. Raises `SpecError`."""
        edits: list[Edit] = []
        for name, predictor in program.agents.items():
            layer, team, agent = name.split("/")
            if (words := predictor.signature.instructions) != self.given[name]:
                edits.append(SetPrompt(layer=layer, team=team, agent=agent, prompt=words))
            for demo in predictor.demos:
                example = Example(task=demo.task, turn=demo.turn, origin=demo.origin)
                edits.append(AddExample(layer=layer, team=team, agent=agent, example=example))
        return apply_all(self.graph, edits)

    def _trial(self, graph: GraphSpec, case: str) -> Rollout:
        if case == self.val[0].id:  # DSPy takes the cases in order, so here a trial begins
            self._idle = self._idle + 1 if graph.hash in self.decided else 0
            if self._idle > MOST_IDLE:
                self.host.end("no combination is left that was not tried")
        return self._decide(graph)[case]

    def _decide(self, graph: GraphSpec) -> dict[str, Rollout]:
        """The graph's rollouts of all cases that decide; it becomes the best one where its mean is higher."""
        if graph.hash not in self.decided:
            done = self.host.rolled(graph, self.val)
            self.decided[graph.hash] = {r.case.id: r for r in done}
            if self._mean(graph) > self._mean(self.best) + 1e-9:
                self.best = graph
            if self._mean(self.best) > 1 - 1e-9:
                self.host.end("no deciding case is left that could be won")
        return self.decided[graph.hash]

    def _mean(self, graph: GraphSpec) -> float:
        done = self.decided[graph.hash].values()
        return sum(r.score or 0.0 for r in done) / len(done)

    async def _turns(self, rollout: Rollout) -> dict[str, Example]:
        """The turns of all agents in a rollout, as demonstrations."""
        means, ctx = Means(solved=(rollout,)), self.host.bench.ctx
        found = {}
        for layer, team, agent in agents_of(self.graph):
            if not agent.function:
                with suppress(CannotEdit):  # it had no part in that case
                    turn = demonstration(agent, layer.id, rollout.case.id, means, ctx)
                    found[f"{layer.id}/{team.id}/{agent.id}"] = turn
        return found


class _Engine:
    """What `dspy.LM` asks in the place of a provider: our gateway."""

    supports_response_schema = True
    supported_params = ("response_format",)

    def __init__(self, search: _Search) -> None:
        self._search = search

    def complete(self, request: Any) -> Any:
        from dspy import lm15

        system = request.system if isinstance(request.system, str) else "".join(p.text for p in request.system or ())
        talk = [Message(role="system", content=system)] if system else []
        talk += [
            Message(role="assistant" if m.role == "assistant" else "user", content=m.text) for m in request.messages
        ]
        asked = request.config
        reply: ModelReply = self._search.host.ask(
            ModelRequest(
                model=self._search.writer,
                messages=tuple(talk),
                answer_schema=(asked.response_format or {}).get("schema"),
                temperature=asked.temperature or 0.0,
                seed=self._search.host.bench.ctx.seed,
                max_tokens=asked.max_tokens or MOST_WRITTEN,
            )
        )
        return lm15.Response(
            id=None,
            model=request.model,
            message=lm15.Message.assistant(reply.text or " "),
            finish_reason="length" if reply.finish == "length" else "stop",
            usage=lm15.Usage(input_tokens=reply.usage.prompt_tokens, output_tokens=reply.usage.completion_tokens),
        )


def _program(dspy: Any, search: _Search) -> Any:
    """The network as a program: a predictor for each agent that is a model, named `layer/team/agent`."""

    class Program(dspy.Module):  # type: ignore[misc]  # its base has no types
        def __init__(self) -> None:
            super().__init__()
            self.search = search
            self.agents = {
                f"{layer.id}/{team.id}/{agent.id}": dspy.Predict(dspy.Signature("task -> turn", agent.prompt))
                for layer, team, agent in agents_of(search.graph)
                if not agent.function
            }

        def forward(self, case: str) -> Any:
            score, answer = self.search.predict(self, case)
            return dspy.Prediction(score=score, answer=answer)

    program = Program()
    search.given = {name: predictor.signature.instructions for name, predictor in program.agents.items()}
    return program


def _examples(dspy: Any, cases: Sequence[Case]) -> list[Any]:
    """The cases as DSPy reads them; a program is given the id alone."""
    return [dspy.Example(task=clip(c.task), answer=clip(c.expected), case=c.id).with_inputs("case") for c in cases]


class _Hushed(io.TextIOBase):
    """A stream that drops what one thread writes."""

    def __init__(self, stream: TextIO, thread: int) -> None:
        self._stream = stream
        self._thread = thread

    def write(self, text: str) -> int:
        return len(text) if threading.get_ident() == self._thread else self._stream.write(text)

    def flush(self) -> None:
        self._stream.flush()

    def isatty(self) -> bool:
        return self._stream.isatty()


@contextmanager
def _hushed() -> Iterator[None]:
    """What DSPy prints of its progress is not seen; what other threads print is."""
    me = threading.get_ident()
    with redirect_stdout(_Hushed(sys.stdout, me)), redirect_stderr(_Hushed(sys.stderr, me)):
        yield
