"""Answers are pydantic models, or typed errors."""

from typing import Literal

import pytest
from pydantic import BaseModel, Field

from agents.models import Gateway, ModelRequest, Scripted, Truncated, Unparsable
from agents.models.structured import parse, schema_of
from tests.agents.models.asking import ask
from tests.agents.models.memory_log import MemoryLog


class Line(BaseModel):
    start: int
    end: int


class Answer(BaseModel):
    words: str = Field(max_length=20)
    case: Literal["case30", "case118"]
    outages: list[Line] = []
    title: str = "the word is also a schema keyword"


GOOD = '{"words": "w", "case": "case30", "outages": [{"start": 1, "end": 2}], "title": "t"}'


def door(log: MemoryLog, model: Scripted) -> Gateway:
    return Gateway(log, providers={"scripted": model}, backoff_s=0.001)


def test_a_schema_keeps_the_fields_order_and_leaves_nothing_optional_or_open() -> None:
    schema = schema_of(Answer)
    assert list(schema["properties"]) == schema["required"] == ["words", "case", "outages", "title"]
    assert schema["additionalProperties"] is False
    assert schema["$defs"]["Line"]["required"] == ["start", "end"]
    assert schema["properties"]["outages"] == {"items": {"$ref": "#/$defs/Line"}, "type": "array"}


@pytest.mark.parametrize("reply", [GOOD, f"```json\n{GOOD}\n```", f"Here it is: {GOOD} Enjoy!"])
def test_an_answer_is_read_also_from_a_fence_or_between_words(reply: str) -> None:
    assert parse(reply, Answer).outages == [Line(start=1, end=2)]


async def test_the_request_carries_the_schema() -> None:
    seen: list[ModelRequest] = []

    def reply(request: ModelRequest) -> str:
        seen.append(request)
        return GOOD

    answer = await door(MemoryLog(), Scripted(reply)).structured(ask("?"), Answer, at="a", purpose="act")
    assert answer.case == "case30"
    assert seen[0].answer_schema == schema_of(Answer)


async def test_an_invalid_reply_is_shown_to_its_author_once_with_what_is_wrong() -> None:
    log = MemoryLog()
    model = Scripted(lambda request: GOOD if len(request.messages) == 3 else GOOD.replace("case30", "case31"))
    answer = await door(log, model).structured(ask("?"), Answer, at="a", purpose="act")
    assert answer.case == "case30"
    assert list(log.events) == ["a/model#0", "a/repair/model#0"]
    shown = [message.content for message in log_requests(log)[1].messages]
    assert shown[1] == GOOD.replace("case30", "case31")
    assert shown[2].startswith("That answer is not valid: case: Input should be 'case30' or 'case118'")


def log_requests(log: MemoryLog) -> list[ModelRequest]:
    from agents.models import load_request

    return [load_request(log.text, event.request) for event in log.model_calls()]


async def test_a_reply_that_stays_invalid_is_unparsable() -> None:
    model = Scripted(lambda _: "no JSON at all")
    with pytest.raises(Unparsable, match="no valid Answer") as raised:
        await door(MemoryLog(), model).structured(ask("?"), Answer, at="a", purpose="act")
    assert raised.value.reply is not None
    assert model.calls == 2


async def test_a_truncated_answer_gets_twice_the_room_once() -> None:
    log, model = MemoryLog(), Scripted(lambda _: GOOD)
    room = len(GOOD) // 4
    await door(log, model).structured(ask("?", max_tokens=room), Answer, at="a", purpose="act")
    assert list(log.events) == ["a/model#0", "a/longer/model#0"]
    with pytest.raises(Truncated):
        await door(MemoryLog(), model).structured(ask("?", max_tokens=room // 3), Answer, at="a", purpose="act")
