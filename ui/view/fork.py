"""A network with other prompts: what a fork changes."""

from collections.abc import Mapping

from agents.spec import GraphSpec

Place = tuple[str, str, str]  # layer, team, agent


def prompts(graph: GraphSpec) -> dict[Place, str]:
    """Every prompt of a network; agents that are Python functions have none."""
    return {
        (layer.id, team.id, agent.id): agent.prompt
        for layer in graph.layers
        for team in layer.teams
        for agent in team.agents
        if not agent.function
    }


def with_prompts(graph: GraphSpec, changed: Mapping[Place, str]) -> GraphSpec:
    """The network with these prompts instead; the others stay. Raises `SpecError`."""
    layers = []
    for layer in graph.layers:
        teams = []
        for team in layer.teams:
            agents = [
                agent.model_copy(update={"prompt": changed.get((layer.id, team.id, agent.id), agent.prompt)})
                for agent in team.agents
            ]
            teams.append(team.model_copy(update={"agents": tuple(agents)}))
        layers.append(layer.model_copy(update={"teams": tuple(teams)}))
    return graph.model_copy(update={"layers": tuple(layers)})
