"""The simulated critic and editor: what a language model that knows the trade could conclude from what it is shown, with errors.

This is a simulation, not a language model. It reads the same requests that real critics and editors get. It does not know which
fault was planted, nor the rules by which the simulated agents fail: it works an order out itself, looks for the first place where
what was said is not what it should be, and takes the symptom for a cause. Its assumptions, all of them drawn from a hash of the
request:

- A critic blames a random other layer in 15 % of its answers, and names a wrong kind of change in 25 %.
- A critic who sees nothing wrong in the layer it was given says all the same that somebody should be told more clearly.
- An editor makes a random edit in 20 % of its answers, and garbles a prompt in 15 % of those it writes.
- An editor that was refused an operation before passes over it in 70 % of the cases, if the critique offers another.
"""

import json
import random
import re
from collections import Counter
from itertools import pairwise
from typing import Any, NamedTuple

from agents.backward.critic import ASK_GLOBAL, ASK_LOCAL, KINDS
from agents.backward.editor import ASK
from agents.models import ModelRequest
from experiments.suites.planted_faults.trade import OPERATIONS, read_order
from experiments.suites.planted_faults.worker import INSTRUCTIONS, MOST_OPERATIONS, operations_in, told
from experiments.systems.random_edits import mutated, random_value

REFLECTION = "I provided an assistant with the following instructions"  # how GEPA begins to ask for a better prompt
WRONG_LAYER, WRONG_KIND, RANDOM_EDIT, GARBLED, PASSED_OVER = 0.15, 0.25, 0.2, 0.15, 0.7
SENTENCES = {
    "discount": "Find the discount of the customer.",
    "quantity": "Multiply the crates by the size.",
    "subtotal": "Multiply the quantity by the price.",
    "net": "Take the discount off the subtotal.",
    "total": "Round the net to cents.",
}
EUROS = "Round the net to euros."  # what a museum is billed in


class Suspicion(NamedTuple):
    target: str  # layer, or layer/agent
    kind: str
    advice: str


def review(request: ModelRequest) -> str | None:
    """The reply of a critic or an editor; None for other requests."""
    asked = request.messages[0].content
    if asked.startswith((ASK_GLOBAL, ASK_LOCAL)):
        return _criticise(request)
    if asked.startswith(ASK):
        return _edit(request)
    if asked.startswith(REFLECTION):
        return _reflect(request)
    return None


# The critic


def _criticise(request: ModelRequest) -> str:
    given = json.loads(request.messages[-1].content)
    dice = random.Random(request.key())
    pages = given["layers"] if "layers" in given else [given["layer"]]
    found: Counter[Suspicion] = Counter()
    for case in given["cases"]:
        if case["score"] < 1 and (suspicion := _suspect(case, pages)):
            found[suspicion] += 1
    ranked = [s for s, _ in found.most_common(2)]
    if not ranked:
        page = dice.choice(pages)
        who = dice.choice(page["agents"])["agent"]
        ranked = [Suspicion(f"{page['layer']}/{who}", "set_prompt", "It should be told more clearly what to do.")]
    first = ranked[0]
    others = [p["layer"] for p in pages if p["layer"] != first.target.partition("/")[0]]
    if others and dice.random() < WRONG_LAYER:
        first = first._replace(target=dice.choice(others))
    if dice.random() < WRONG_KIND:
        first = first._replace(kind=dice.choice(list(KINDS)))
    findings = []
    for s in (first, *ranked[1:]):
        target = s.target if "layer" in given else s.target.partition("/")[0]
        findings.append({"seen": s.target, "target": target, "kind": s.kind, "advice": s.advice})
    return json.dumps({"findings": findings})


def _suspect(case: dict[str, Any], pages: list[dict[str, Any]]) -> Suspicion | None:
    """The first place of a failed case where something is wrong, and what that looks like."""
    order = read_order(case["task"])
    if order is None:
        return None
    truth = order.truth()
    said = _whole(case["said"])
    by_layer = {p["layer"]: p for p in pages}
    for node, text in said.items():
        layer, _, who = node.partition("/")
        page = by_layer.get(layer)
        if page is None:
            continue
        agent: dict[str, Any] = next((a for a in page["agents"] if a["agent"] == who), {})
        if not who:  # what the layer made of its agents' answers
            if suspicion := _combined(layer, text, said, truth, page):
                return suspicion
            continue
        if len(page["agents"]) > 1 and page["combiner"] != "single" and _right_elsewhere(layer, who, said, truth):
            continue  # a colleague has it right, so look at how their answers are combined
        if suspicion := _symptom(node, text, said, truth, page, agent, case["task"]):
            return suspicion
    last = pages[-1]
    facts = told([*said.values()][-1:])
    if "total" not in facts and "net" in facts:
        return _nobody_rounds(last)
    return None


def _whole(said: dict[str, str]) -> dict[str, str]:
    """What was said, with the words of an agent where a layer only hands them on."""
    return {
        node: said[f"{node}/{text.removeprefix('takes ')}"] if text.startswith("takes ") else text
        for node, text in said.items()
    }


def _symptom(
    node: str,
    text: str,
    said: dict[str, str],
    truth: dict[str, float],
    page: dict[str, Any],
    agent: dict[str, Any],
    task: str,
) -> Suspicion | None:
    layer = page["layer"]
    if text.startswith("FAILED"):
        if "cut off" in text:
            return Suspicion(node, "set_param", "It is cut off: it needs more tokens.")
        return Suspicion(node, "remove_agent", "It fails always.")
    if "none of my tools" in text:
        return Suspicion(node, "set_tools", "Its tools do not fit; it needs one that does arithmetic.")
    if m := re.search(r"nobody told me the (\w+)", text):
        return _unheard(node, m[1], said, page, agent)
    if "left out the rest" in text:
        return Suspicion(node, "split_layer", "It has too much to do at once.")
    facts = told([text])
    if not facts and text:
        return Suspicion(node, "set_role", "It plays a part that does not fit; it should be a careful clerk.")
    for name, value in facts.items():
        if abs(value - truth[name]) > 1e-6:
            return _wrong(node, layer, name, value, said, truth, agent, task)
    return None


def _unheard(node: str, fact: str, said: dict[str, str], page: dict[str, Any], agent: dict[str, Any]) -> Suspicion:
    for colleague in page["agents"]:
        if any(name == fact for name, _ in operations_in(colleague.get("prompt", ""))) and colleague is not agent:
            if agent["agent"] in colleague.get("hears", ()):
                return Suspicion(page["layer"], "rewire", f"{colleague['agent']} should work before {agent['agent']}.")
            return Suspicion(node, "add_edge", f"It does not hear {colleague['agent']}, who has the {fact}.")
    return Suspicion(page["layer"], "rewire", f"It does not read the layer that has the {fact}.")


def _wrong(
    node: str,
    layer: str,
    name: str,
    value: float,
    said: dict[str, str],
    truth: dict[str, float],
    agent: dict[str, Any],
    task: str,
) -> Suspicion:
    if name == "total" and truth["total"].is_integer() and "museum" in task:
        return Suspicion(node, "set_prompt", f'It should be told: "{EUROS}"')
    if name == "total" and float(value).is_integer() and abs(value - truth["net"]) <= 0.51:
        if any("total" in (f := told([t])) and abs(f["total"] - truth["total"]) < 1e-6 for t in said.values()):
            return Suspicion(layer, "remove_layer", "It spoils a total that was right before.")
        if agent.get("examples"):
            return Suspicion(node, "remove_example", "It imitates a demonstration that shows whole euros.")
        return _told(node, "total")
    if agent.get("temperature", 0) > 1:
        return Suspicion(node, "set_param", "Its temperature is too high.")
    if agent.get("model"):
        return Suspicion(node, "set_model", "Its own model is too weak.")
    if name == "subtotal" and "by the price" not in agent.get("prompt", "").lower():
        return _told(node, "subtotal")
    if name == "subtotal" and value / max(truth["subtotal"], 1e-9) > 0.2 and value < 10_000:
        return Suspicion(node, "set_fields", "It takes the wrong one of two prices before it has thought.")
    return Suspicion(node, "set_tools", "Its mental arithmetic slips; it needs a tool that does arithmetic.")


def _told(node: str, operation: str) -> Suspicion:
    return Suspicion(node, "set_prompt", f'It should be told: "{SENTENCES[operation]}"')


def _right_elsewhere(layer: str, who: str, said: dict[str, str], truth: dict[str, float]) -> bool:
    mine = told([said[f"{layer}/{who}"]])
    for node, text in said.items():
        if node.startswith(f"{layer}/") and node != f"{layer}/{who}":
            facts = told([text])
            if set(facts) == set(mine) and facts and all(abs(facts[n] - truth[n]) < 1e-6 for n in facts):
                return True
    return False


def _combined(
    layer: str, text: str, said: dict[str, str], truth: dict[str, float], page: dict[str, Any]
) -> Suspicion | None:
    """A wrong answer was taken although a right one was there."""
    facts = told([text])
    wrong = [n for n, v in facts.items() if abs(v - truth[n]) > 1e-6]
    right = [w for w in said if w.startswith(f"{layer}/") and wrong and _has(said[w], wrong[0], truth)]
    if not wrong or not right:
        return None
    if page["combiner"] != "majority":
        return Suspicion(layer, "set_aggregator", "The right answer was there; they should vote by majority.")
    twins = Counter(t for w, t in said.items() if w.startswith(f"{layer}/"))
    for who, answer in said.items():
        if who.startswith(f"{layer}/") and twins[answer] > 1 and who not in right:
            return Suspicion(who, "remove_agent", "It only repeats what a colleague says.")
    return None


def _has(text: str, name: str, truth: dict[str, float]) -> bool:
    facts = told([text])
    return name in facts and abs(facts[name] - truth[name]) < 1e-6


def _nobody_rounds(page: dict[str, Any]) -> Suspicion:
    agent = page["agents"][-1]
    if len(operations_in(agent.get("prompt", ""))) >= MOST_OPERATIONS:
        return Suspicion(page["layer"], "add_layer", f'A layer after it should be told: "{SENTENCES["total"]}"')
    return _told(f"{page['layer']}/{agent['agent']}", "total")


# GEPA's reflection: critic and editor in one, about one agent's prompt


def _reflect(request: ModelRequest) -> str:
    """A new prompt for the agent that GEPA asks about, with the same knowledge and the same rates of error as ours."""
    text = request.messages[0].content
    dice = random.Random(request.key())
    prompt = text.split("```")[1].strip()
    found: Counter[Suspicion] = Counter()
    node = ""
    for record in text.split("# Example ")[1:]:
        sections = re.findall(r"#+ (task|layer|agent|Generated Outputs|Feedback)\s*\n(.*?)\n\n", record, re.DOTALL)
        seen = {name: value.strip() for name, value in sections}
        feedback, node = json.loads(seen["Feedback"]), seen["agent"]
        case = {"task": seen["task"], "said": json.loads(seen["Generated Outputs"]), **feedback}
        if case["score"] < 1 and (suspicion := _suspect(case, [json.loads(seen["layer"])])):
            found[suspicion] += 1
    suspicion = found.most_common(1)[0][0] if found else Suspicion(node, "", "")
    concerns_it = suspicion.target in (node, node.partition("/")[0]) and suspicion.kind in ("set_prompt", "add_layer")
    advice = suspicion.advice if concerns_it and dice.random() > WRONG_KIND else ""
    if dice.random() < RANDOM_EDIT:
        return f"```\n{mutated(prompt, dice)}\n```"
    return f"```\n{_rewritten(prompt, advice, dice)}\n```"


# The editor


def _edit(request: ModelRequest) -> str:
    given = json.loads(request.messages[-1].content)
    dice = random.Random(request.key())
    assert request.answer_schema is not None  # editors answer in operations only
    offered = {
        o["properties"]["op"]["const"]: o for o in request.answer_schema["properties"]["edits"]["items"]["anyOf"]
    }
    critique = [c for c in given["critique"] if c["kind"] in offered]
    if not critique or dice.random() < RANDOM_EDIT:
        edit = random_value(offered[dice.choice(sorted(offered))], dice)
        return json.dumps({"why": "it may help", "edits": [edit]})
    refused = " ".join(given.get("refused_before", ()))
    chosen = critique[0]
    for c in critique:
        if c["kind"] not in refused or dice.random() > PASSED_OVER:
            chosen = c
            break
    edit = _carry_out(chosen, given, dice) or random_value(offered[chosen["kind"]], dice)
    return json.dumps({"why": chosen["critique"][:100], "edits": [{"op": chosen["kind"], **edit}]})


def _carry_out(critique: dict[str, str], given: dict[str, Any], dice: random.Random) -> dict[str, Any] | None:
    """The edit that a critique asks for; None where it does not say enough."""
    page, text = given["layer"], critique["critique"]
    agents = {a["agent"]: a for a in page["agents"]}
    who = critique["of"].partition("/")[2] or _mentioned(text, page["layer"], agents) or dice.choice(list(agents))
    agent = agents.get(who) or next(iter(agents.values()))
    who = agent["agent"]
    match critique["kind"]:
        case "set_prompt":
            return {"agent": who, "prompt": _rewritten(agent.get("prompt", ""), text, dice)}
        case "set_role":
            return {"agent": who, "role": "You are a careful clerk."}
        case "set_tools":
            fit = [n for n, what in given.get("tools", {}).items() if "arithmetic" in what.lower()]
            return {"agent": who, "tools": fit[:1]}
        case "set_model":
            return {"agent": who, "model": None}
        case "set_param" if "token" in text:
            return {"agent": who, "name": "max_tokens", "value": 512}
        case "set_param" if "temperature" in text:
            return {"agent": who, "name": "temperature", "value": 0}
        case "set_fields":
            return {"agent": who, "fields": [{"name": "needed", "meaning": "the price that counts", "length": 100}]}
        case "remove_example":
            return {"agent": who, "position": 0}
        case "add_edge" if m := re.search(r"hear (\S+?),", text):
            return {"source": m[1], "target": who}
        case "rewire":
            return {"edges": _in_working_order(page, text), "reads": _earlier(given)}
        case "set_aggregator":
            return {"combiner": "majority"}
        case "remove_agent":
            return {"agent": who}
        case "remove_layer":
            return {}
        case "add_layer":
            told_ = re.search(r'"(.*?)"', text)
            return told_ and {"name": "added", "where": "after", "role": "", "prompt": told_[1], "tools": []}
        case "split_layer":
            first, second = _halves(agent.get("prompt", ""))
            return {"first_prompt": first, "second_name": "second", "second_prompt": second}
    return None


def _mentioned(text: str, layer: str, agents: dict[str, Any]) -> str:
    return next((who for who in agents if f"{layer}/{who}" in text), "")


def _rewritten(prompt: str, critique: str, dice: random.Random) -> str:
    """The prompt with the sentence that the critique asks for, in the place of one about the same operation if there is one."""
    if dice.random() < GARBLED:
        words = prompt.split()
        dice.shuffle(words)
        return " ".join(words) or "Do it well."
    wanted = re.search(r'"(.*?)"', critique)
    if not wanted:
        return f"{prompt} Be careful."
    operation = next((name for name, sentence in SENTENCES.items() if sentence == wanted[1]), "")
    operation = "total" if wanted[1] == EUROS else operation
    sentences = re.split(r"(?<=\.)\s+", prompt.strip())
    pattern = INSTRUCTIONS.get(operation, r"$^")
    same = [k for k, s in enumerate(sentences) if re.search(pattern, s.lower())]
    if same and len(operations_in(sentences[same[0]])) == 1:
        sentences[same[0]] = wanted[1]
        return " ".join(sentences)
    return f"{prompt} {wanted[1]}".strip()


def _in_working_order(page: dict[str, Any], text: str) -> list[list[str]]:
    """The edges as they are, or, where the critique says who should work before whom, a chain in the order of the work."""
    if "should work before" not in text:
        return [[source, a["agent"]] for a in page["agents"] for source in a.get("hears", ())]
    ranks = list(OPERATIONS)

    def rank(agent: dict[str, Any]) -> int:
        return max((ranks.index(name) for name, _ in operations_in(agent.get("prompt", ""))), default=0)

    chain = [a["agent"] for a in sorted(page["agents"], key=rank)]
    return [list(pair) for pair in pairwise(chain)]


def _earlier(given: dict[str, Any]) -> list[str]:
    """All layers before this one where one is unheard of, else what it reads."""
    order: list[str] = given["layers_in_order"]
    reads: list[str] = given["layer"]["reads"]
    unheard = any("does not read" in c["critique"] for c in given["critique"])
    return order[: order.index(given["layer"]["layer"])] if unheard else reads


def _halves(prompt: str) -> tuple[str, str]:
    sentences = re.split(r"(?<=\.)\s+", prompt.strip())
    half = max(len(sentences) - 1, 1) if len(sentences) < 4 else len(sentences) // 2
    return " ".join(sentences[:half]), " ".join(sentences[half:]) or "Say it again."
