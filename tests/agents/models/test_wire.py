"""OpenAI's chat format, there and back, and what its refusals mean."""

import httpx
import openai
import pytest

from agents.models import Message, ModelError, ModelRequest, ToolDefinition, ToolRequest
from agents.models.failures import failure, failure_of, retry_after
from agents.models.wire import Assembler, chat_reply, chat_request, tool_requests_in
from tests.agents.models.asking import ask

ADD = ToolDefinition(name="add", description="Add", parameters={"type": "object"})


def test_a_tool_conversation_goes_out_in_the_chat_format() -> None:
    asked = ToolRequest(id="1", name="add", arguments='{"a": 2}')
    request = ModelRequest(
        model="m",
        messages=(
            Message(role="assistant", content="", tool_requests=(asked,)),
            Message(role="tool", content="5", tool_request_id="1"),
        ),
        tools=(ADD,),
        answer_schema={"type": "object"},
    )
    body = chat_request(request)
    call = {"id": "1", "type": "function", "function": {"name": "add", "arguments": '{"a": 2}'}}
    assert body["messages"] == [
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": "5", "tool_call_id": "1"},
    ]
    assert body["tools"][0]["function"]["name"] == "add"
    assert body["response_format"]["json_schema"]["schema"] == {"type": "object"}


def test_a_streamed_tool_call_is_put_together_from_its_pieces() -> None:
    assembler = Assembler()
    for part in (
        {"index": 0, "id": "c1", "function": {"name": "add", "arguments": ""}},
        {"index": 0, "function": {"arguments": '{"a":'}},
        {"index": 1, "id": "c2", "function": {"name": "add", "arguments": "{}"}},
        {"index": 0, "function": {"arguments": " 2}"}},
    ):
        assembler.add({"choices": [{"delta": {"tool_calls": [part]}}]})
    assembler.add({"choices": [{"delta": {}, "finish_reason": "tool_calls"}]})
    assembler.add({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}})
    reply = assembler.reply(ask("?"))
    assert [(tool.id, tool.arguments) for tool in reply.tool_requests] == [("c1", '{"a": 2}'), ("c2", "{}")]
    assert (reply.finish, reply.usage.total) == ("tool_calls", 10)


def test_a_whole_reply_may_lack_content_and_usage() -> None:
    reply = chat_reply(ask("?"), {"choices": [{"message": {"content": None}, "finish_reason": None}]})
    assert (reply.text, reply.finish, reply.usage.total) == ("", "stop", 0)


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "add", "arguments": {"a": 2}}',
        '```json\n{"name": "add", "arguments": {"a": 2}}\n```',
        'I call it: <tool_call>\n{"name": "add", "arguments": {"a": 2}}\n</tool_call> {broken',
    ],
)
def test_a_tool_call_written_as_text_is_understood(text: str) -> None:
    assert tool_requests_in(text, (ADD,)) == [ToolRequest(id="written_0", name="add", arguments='{"a": 2}')]


@pytest.mark.parametrize(
    "text", ['{"name": "other", "arguments": {}}', '{"name": "add"}', "{add}", '[{"a": {"name": 3}}]']
)
def test_other_json_stays_text(text: str) -> None:
    assert tool_requests_in(text, (ADD,)) == []


@pytest.mark.parametrize(
    ("status", "kind", "transient"),
    [
        (400, "bad_request", False),
        (401, "auth_failed", False),
        (403, "auth_failed", False),
        (404, "unknown_model", False),
        (408, "timed_out", True),
        (422, "bad_request", False),
        (429, "rate_limited", True),
        (500, "server_error", True),
        (503, "server_error", True),
        (529, "server_error", True),
    ],
)
def test_a_status_means_a_typed_error(status: int, kind: str, transient: bool) -> None:
    error = failure("m", status, "words", {"retry-after": "2"})
    assert (error.kind, error.transient) == (kind, transient)
    assert error.message == f"m answered {status}: words"


def test_a_prompt_that_is_too_long_says_what_would_be_right() -> None:
    error = failure("m", 400, "request (9019 tokens) exceeds the available context size (8192 tokens)")
    assert error.hint.startswith("shorten the prompt")


def test_retry_after_is_read_in_seconds_and_as_a_date() -> None:
    assert retry_after({"retry-after": "1.5"}) == 1.5
    assert retry_after({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0.0
    assert retry_after({"retry-after": "soon"}) is None
    assert retry_after({}) is None


def test_the_clients_exceptions_become_typed_errors() -> None:
    request = httpx.Request("POST", "http://localhost")
    response = httpx.Response(429, headers={"retry-after": "3"}, request=request)
    limited = failure_of("m", openai.RateLimitError("slow down", response=response, body=None))
    kinds: list[ModelError] = [
        limited,
        failure_of("m", openai.APITimeoutError(request)),
        failure_of("m", openai.APIConnectionError(request=request)),
        failure_of("m", KeyError("choices")),
    ]
    assert [error.kind for error in kinds] == ["rate_limited", "timed_out", "unreachable", "server_error"]
    assert limited.retry_after == 3.0
