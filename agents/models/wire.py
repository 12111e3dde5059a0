"""OpenAI's chat format, which every provider here speaks: requests into it, replies and streams out of it.

Source: OpenAI API reference, "Chat completions" (https://platform.openai.com/docs/api-reference/chat).
"""

import json
from dataclasses import dataclass, field
from typing import Any, Literal

from agents.models.contract import Message, ModelReply, ModelRequest, ToolDefinition, ToolRequest, Usage

Body = dict[str, Any]

TEMPLATE_BYTES = 256  # what a chat template may add around the messages, a default system prompt included
MESSAGE_BYTES = 32  # what it may add to each message
TOOLS_BYTES = 2048  # what it may add to explain how tools are called


def chat_request(request: ModelRequest) -> Body:
    """The request's body, without the model's name."""
    body: Body = {
        "messages": [_message(message) for message in request.messages],
        "temperature": request.temperature,
        "seed": request.seed,
        "max_tokens": request.max_tokens,
    }
    if request.tools:
        body["tools"] = [{"type": "function", "function": tool.model_dump()} for tool in request.tools]
    if request.answer_schema is not None:
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": request.answer_schema, "strict": True},
        }
    return body


def _message(message: Message) -> Body:
    said: Body = {"role": message.role, "content": message.content}
    if message.tool_requests:
        said["tool_calls"] = [
            {"id": asked.id, "type": "function", "function": {"name": asked.name, "arguments": asked.arguments}}
            for asked in message.tool_requests
        ]
    if message.role == "tool":
        said["tool_call_id"] = message.tool_request_id
    return said


def prompt_bytes(request: ModelRequest) -> int:
    """An upper bound on the prompt's tokens: a byte-level tokenizer never makes more tokens than there are bytes."""
    size = TEMPLATE_BYTES
    for message in request.messages:
        size += MESSAGE_BYTES + len(message.content.encode())
        size += sum(MESSAGE_BYTES + len(asked.name) + len(asked.arguments.encode()) for asked in message.tool_requests)
    for tool in request.tools:
        size += MESSAGE_BYTES + 2 * len(tool.model_dump_json().encode())  # templates print JSON with spaces
    return size + (TOOLS_BYTES if request.tools else 0)


@dataclass
class Assembler:
    """Puts a streamed reply together, chunk by chunk."""

    text: str = ""
    finish: str = "stop"
    usage: Body = field(default_factory=dict)
    _tools: dict[int, dict[str, str]] = field(default_factory=dict)

    def add(self, chunk: Body) -> str:
        """Take one chunk; return the text it adds."""
        self.usage = chunk.get("usage") or self.usage
        added = ""
        for choice in chunk.get("choices") or []:
            self.finish = choice.get("finish_reason") or self.finish
            delta = choice.get("delta") or {}
            added += delta.get("content") or ""
            for part in delta.get("tool_calls") or []:
                self._add_tool(part)
        self.text += added
        return added

    def _add_tool(self, part: Body) -> None:
        tool = self._tools.setdefault(part.get("index") or 0, {"id": "", "name": "", "arguments": ""})
        function = part.get("function") or {}
        tool["id"] = part.get("id") or tool["id"]
        tool["name"] += function.get("name") or ""
        tool["arguments"] += function.get("arguments") or ""

    def reply(self, request: ModelRequest) -> ModelReply:
        """The whole reply, once the stream has ended."""
        asked = [ToolRequest(**tool) for _, tool in sorted(self._tools.items())]
        return _reply(request, self.text, asked, self.finish, self.usage)


def chat_reply(request: ModelRequest, body: Body) -> ModelReply:
    """A reply from an answer that came in one piece."""
    choice = body["choices"][0]
    message = choice["message"]
    asked = [
        ToolRequest(id=tool.get("id") or "", name=tool["function"]["name"], arguments=tool["function"]["arguments"])
        for tool in message.get("tool_calls") or []
    ]
    return _reply(request, message.get("content") or "", asked, choice.get("finish_reason"), body.get("usage") or {})


def _reply(request: ModelRequest, text: str, asked: list[ToolRequest], finish: str | None, usage: Body) -> ModelReply:
    asked = asked or tool_requests_in(text, request.tools)
    ended: Literal["stop", "length", "tool_calls"] = "tool_calls" if asked else "stop"
    return ModelReply(
        text=text,
        tool_requests=tuple(asked),
        finish="length" if finish == "length" else ended,
        usage=Usage(
            prompt_tokens=usage.get("prompt_tokens") or 0, completion_tokens=usage.get("completion_tokens") or 0
        ),
    )


def tool_requests_in(text: str, tools: tuple[ToolDefinition, ...]) -> list[ToolRequest]:
    """Tool calls that a small model wrote into its text, `{"name": ..., "arguments": {...}}`, instead of making them.

    Only objects that name an offered tool count, so that other JSON in an answer stays text.
    """
    names = {tool.name for tool in tools}
    found: list[ToolRequest] = []
    start = text.find("{") if names else -1
    while start >= 0:
        try:
            value, end = json.JSONDecoder().raw_decode(text, start)
        except ValueError:
            end = start + 1
        else:
            if value.get("name") in names and isinstance(value.get("arguments"), dict):
                written = json.dumps(value["arguments"], ensure_ascii=False)
                found.append(ToolRequest(id=f"written_{len(found)}", name=value["name"], arguments=written))
        start = text.find("{", end)
    return found
