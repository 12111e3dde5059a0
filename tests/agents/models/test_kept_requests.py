"""What is kept can be read back, and a text that travels is stored once."""

import random

from hypothesis import given
from hypothesis import strategies as st

from agents.models import (
    Message,
    ModelReply,
    ModelRequest,
    ToolDefinition,
    ToolRequest,
    Usage,
    load_reply,
    load_request,
)
from agents.models.record import keep_reply, keep_request, pieces
from tests.agents.models.memory_log import MemoryLog

plain = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
texts = plain | st.lists(plain | st.sampled_from(["x" * 500, "\n\n", "\n\n\n"]), max_size=40).map("\n\n".join)
calls = st.builds(ToolRequest, id=plain, name=plain, arguments=plain)
messages = st.builds(
    Message,
    role=st.sampled_from(["system", "user", "assistant", "tool"]),
    content=texts,
    tool_requests=st.lists(calls, max_size=2).map(tuple),
    tool_request_id=plain,
)
schemas = st.dictionaries(plain, plain | st.integers(), max_size=3)
requests = st.builds(
    ModelRequest,
    model=plain,
    messages=st.lists(messages, max_size=4).map(tuple),
    answer_schema=st.none() | schemas,
    tools=st.lists(st.builds(ToolDefinition, name=plain, description=plain, parameters=schemas), max_size=2).map(tuple),
    temperature=st.floats(0, 2),
    seed=st.integers(0, 2**31),
    max_tokens=st.integers(1, 10**5),
)
replies = st.builds(
    ModelReply,
    text=texts,
    tool_requests=st.lists(calls, max_size=2).map(tuple),
    finish=st.sampled_from(["stop", "length", "tool_calls"]),
    usage=st.builds(Usage, prompt_tokens=st.integers(0, 10**6), completion_tokens=st.integers(0, 10**6)),
    usd=st.floats(0, 100),
)


@given(requests)
def test_a_request_reads_back_as_it_was_and_keeps_its_key(request: ModelRequest) -> None:
    log = MemoryLog()
    found = load_request(log.text, keep_request(log, request))
    assert found == request
    assert found.key() == request.key()


@given(replies)
def test_a_reply_reads_back_as_it_was(reply: ModelReply) -> None:
    log = MemoryLog()
    assert load_reply(log.text, keep_reply(log, reply)) == reply


@given(texts)
def test_pieces_joined_by_blank_lines_are_the_text(text: str) -> None:
    assert "\n\n".join(pieces(text)) == text


def fresh(luck: random.Random, length: int) -> str:
    return "".join(luck.choices("abcdefghijklmnopqrstuvwxyz \n", k=length)).replace("\n\n", "\n ").strip()


def test_a_text_that_travels_through_a_hundred_growing_prompts_is_stored_once() -> None:
    luck, log = random.Random(0), MemoryLog()
    said = [fresh(luck, 2000) for _ in range(100)]
    for i in range(100):
        system = Message(role="system", content="You are an engineer. " * 10)
        told = "\n\n".join([f"You are agent {i}. Go on from here.", *said[:i], f"What does step {i} give?"])
        request = ModelRequest(model="m", messages=(system, Message(role="user", content=told)))
        keep_request(log, request)
    content = sum(map(len, said))
    stored = sum(map(len, log.blobs.values()))
    assert stored < content + 100 * 1000  # a kilobyte a prompt, where ten megabytes were sent in all
    for text in said[:-1]:
        assert log.put(text) in log.blobs  # the very blob that holds the answer itself


def test_short_prompts_cost_one_blob() -> None:
    log = MemoryLog()
    keep_request(log, ModelRequest(model="m", messages=(Message(role="user", content="short"),)))
    assert len(log.blobs) == 1
