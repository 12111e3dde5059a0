"""Systems known from papers, made of the engine's own parts, so that all run through the same gateway, budget and seeds."""

from collections.abc import Callable

from agents import AgentSpec, Answer, Brief, GraphSpec, LayerSpec, TeamSpec, agent, function, graph, layer
from agents.library import solver
from experiments.systems import vote as _vote  # registers the function agent
from experiments.systems.teams import System
from tools import all_tools, retrieve

ROOM = 1536  # tokens of an answer: worked solutions take a few hundred, and one that is cut off is not scored
WARM = 0.7  # temperature of answers that must be able to differ (Wang et al. use 0.5 to 0.7)
DEBATERS = 3

PLAIN = "You are a helpful assistant."
STEPS = "Think step by step before you answer. Then give the answer in exactly the form that the task asks for."
REVIEW = (
    "You review a draft answer to a task. Say in a few sentences what is wrong in it and how to put it right, or that it is "
    "right. Do not answer the task yourself."
)
REVISE = (
    "You give the final answer to a task. You see a draft and its review: keep what is right, put right what the review shows "
    "to be wrong, and answer in exactly the form that the task asks for."
)
RECONSIDER = (
    "You see the answers of several solvers to the task; the one from {own} is yours. Use the others as advice: check each, "
    "correct yourself where they are right, and after your reasoning give your updated answer in exactly the form that the task "
    "asks for."
)
REPORT = "Answer the task in exactly the form that it asks for. Where a tool's result is given, rely on it."


def one_call() -> GraphSpec:
    """One plain call, as publishers evaluate models."""
    return graph(layer("answer", _writer("solver", PLAIN)), name="one call")


def chain_of_thought() -> GraphSpec:
    """Source: Kojima et al., "Large Language Models are Zero-Shot Reasoners", arXiv 2205.11916."""
    return graph(layer("answer", _writer("solver", STEPS)), name="chain of thought")


def self_consistency(k: int = 5) -> GraphSpec:
    """k sampled chains of thought and a vote over their results. Source: Wang et al., arXiv 2203.11171."""
    samples = [_writer(f"sample-{n + 1}", STEPS, temperature=WARM) for n in range(k)]
    return graph(_voted("answer", samples, samples), name=f"self-consistency of {k}")


def debate(rounds: int = 1) -> GraphSpec:
    """Three solvers answer, read each other's answers and answer again, then vote.

    Source: Du et al., "Improving Factuality and Reasoning in Language Models through Multiagent Debate", arXiv 2305.14325.
    """
    said = [_writer(f"solver-{n + 1}", STEPS, temperature=WARM) for n in range(DEBATERS)]
    everyone, edges = list(said), []
    for k in range(rounds):
        again = [
            _writer(f"solver-{n + 1}-round-{k + 1}", RECONSIDER.format(own=own.id), temperature=WARM)
            for n, own in enumerate(said)
        ]
        edges += [(heard.id, hears.id) for hears in again for heard in said]
        everyone, said = [*everyone, *again], again
    return graph(_voted("debate", everyone, said, tuple(edges)), name=f"debate of {rounds} rounds")


def handmade_team() -> GraphSpec:
    """Draft, review, revision: three agents in three layers.

    Source: Madaan et al., "Self-Refine", arXiv 2303.17651, with an agent for each part.
    """
    revision = layer("revise", _writer("reviser", REVISE)).model_copy(update={"inputs": ("draft", "review")})
    return graph(
        layer("draft", _writer("drafter", STEPS)),
        layer("review", _writer("reviewer", REVIEW)),
        revision,
        name="hand-made team",
    )


def tool_agent(task: str) -> GraphSpec:
    """One agent that may call the two tools that fit best, then answers in words; without a fitting tool it just answers.

    Source: Yao et al., "ReAct", arXiv 2210.03629, with this engine's checked calls for the actions.
    """
    tools = [t.name for t in retrieve(task, list(all_tools().values()), 2)]
    parts = (
        solver("worker", tools),
        agent("notes", "Hand on what the tools gave.", function="tool_notes"),
        _writer("writer", REPORT),
    )
    team = TeamSpec(agents=parts, edges=(("worker", "notes"), ("notes", "writer")))
    return graph(LayerSpec(id="answer", teams=(team,)), name="tool agent")


@function("tool_notes")
def tool_notes(brief: Brief) -> Answer:
    """What the agent with the tools found; that it found nothing is a note, no refusal."""
    found = next((answer for _, answer in brief.inputs if not answer.refused), None)
    return found or Answer(text="No tool helps with this task.")


def _writer(id: str, prompt: str, **settings: float) -> AgentSpec:
    return agent(id, prompt, max_tokens=ROOM, **settings)


def _voted(
    id: str, everyone: list[AgentSpec], voters: list[AgentSpec], edges: tuple[tuple[str, str], ...] = ()
) -> LayerSpec:
    """A layer whose last agent picks the voters' most frequent result."""
    counter = agent("vote", "Pick the most frequent result.", function=_vote.vote.__name__)
    wires = (*edges, *((v.id, counter.id) for v in voters))
    return LayerSpec(id=id, teams=(TeamSpec(agents=(*everyone, counter), edges=wires),))


def _always(spec: GraphSpec) -> Callable[[str], GraphSpec]:
    return lambda task: spec


PUBLISHED: tuple[System, ...] = (
    System("one_call", "one plain call of the model", _always(one_call())),
    System("chain_of_thought", "one call that thinks step by step", _always(chain_of_thought())),
    System("self_consistency", "five chains of thought and a vote; @K for another number", _always(self_consistency())),
    System("tool_agent", "one agent with the two tools that fit best", tool_agent),
    System("handmade_team", "draft, review, revision", _always(handmade_team())),
    System("debate", "three solvers read each other once, then vote; @R for more rounds", _always(debate())),
)
NUMBERED: dict[str, Callable[[int], GraphSpec]] = {"self_consistency": self_consistency, "debate": debate}


def numbered(name: str, number: int) -> System:
    """`self_consistency@8`: eight samples; `debate@2`: two rounds. Raises KeyError for a system that takes no number."""
    return System(f"{name}@{number}", f"{name} with {number}", _always(NUMBERED[name](number)))
