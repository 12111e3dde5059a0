"""Random edits as a rival of textual backpropagation: the same loop, gate and pool, but nobody thinks about what to change."""

import random
from typing import Any

from agents.backward.editor import operation_schemas, realise
from agents.backward.parts import find_layer
from agents.backward.step import Proposed, Scene

WORDS = ("Be careful.", "Check it twice.", "Be brief.", "Say what you did.", "Work step by step.")


class RandomEdits:
    """Draws an operation that fits a random layer, and its arguments; a prompt is changed by whole sentences."""

    async def propose(self, scene: Scene, made: Proposed) -> None:
        dice = scene.dice
        made.layer = dice.choice([layer.id for layer in scene.graph.layers])
        layer = find_layer(scene.graph, made.layer)
        forms = operation_schemas(scene.graph, layer, scene.means, scene.operations)
        said = random_value(forms[dice.choice(sorted(forms))], dice)
        if said["op"] == "set_prompt":
            team = layer.teams[0]
            old = next((a.prompt for a in team.agents if a.id == said["agent"]), "")
            said["prompt"] = mutated(old, dice)
        made.edits = realise(scene.graph, layer.id, said, scene.means, scene.ctx)

    def note(self, made: Proposed, accepted: bool, words: str) -> None:
        """Random edits learn nothing from what became of the last one."""


def mutated(prompt: str, dice: random.Random) -> str:
    """A prompt with one sentence lost, repeated or moved, or a phrase more."""
    sentences = [s for s in prompt.replace(". ", ".\n").split("\n") if s]
    match dice.randrange(4):
        case 0 if len(sentences) > 1:
            sentences.pop(dice.randrange(len(sentences)))
        case 1 if sentences:
            sentences.append(dice.choice(sentences))
        case 2:
            dice.shuffle(sentences)
        case _:
            sentences.append(dice.choice(WORDS))
    return " ".join(sentences) or dice.choice(WORDS)


def random_value(schema: dict[str, Any], dice: random.Random) -> Any:
    """A random value that a JSON schema allows."""
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return dice.choice(schema["enum"])
    if "anyOf" in schema:
        return random_value(dice.choice(schema["anyOf"]), dice)
    match schema.get("type"):
        case "object":
            return {name: random_value(field, dice) for name, field in schema["properties"].items()}
        case "array":
            low, high = schema.get("minItems", 0), schema.get("maxItems", 2)
            n = dice.randint(low, max(low, min(high, 2)))
            return [random_value(schema["items"], dice) for _ in range(n)] if "items" in schema else []
        case "number" | "integer":
            return dice.randint(int(schema.get("minimum", 0)), int(min(schema.get("maximum", 9), 1000)))
    if "pattern" in schema:
        return f"new{dice.randrange(1000)}"
    return " ".join(dice.sample(WORDS, 2))
