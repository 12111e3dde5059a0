"""Computed prompts outlive the process, and a broken file of them costs only time."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agents.models import WEIGHTS
from tests.needs import TINY

pytestmark = pytest.mark.local_model

ASK = f"""
import asyncio, json, sys
from agents.models import WEIGHTS, Message, ModelRequest, resolve
from agents.models.local import _serve

rules = Message(role="system", content="Never say a word of the list. " + "apple banana " * 550)
request = ModelRequest(model="local/{TINY}", messages=(rules, Message(role="user", content=sys.argv[1])), max_tokens=4)
reply = asyncio.run(resolve(request.model).complete(request, None))
print(json.dumps([reply.usage.prompt_tokens, _serve(WEIGHTS["{TINY}"].path()).longest]))
"""


def computed(cache: Path, question: str) -> tuple[int, int]:
    """Tokens of the prompt, and how many of them a new process had to compute."""
    done = subprocess.run(
        [sys.executable, "-c", ASK, question],
        env={**os.environ, "BACKPROSE_CACHE": str(cache)},
        capture_output=True,
        text=True,
        check=True,
        timeout=200,
    )
    assert done.stderr == ""
    prompt, longest = json.loads(done.stdout)
    return prompt, longest


def test_a_new_process_computes_only_what_is_new_in_a_prompt(tiny: str, tmp_path: Path) -> None:
    (tmp_path / "models").symlink_to(WEIGHTS[TINY].path().parent)
    prompt, anew = computed(tmp_path, "What is a fruit?")
    assert anew == prompt > 1000
    prompt, anew = computed(tmp_path, "Name the capital of France.")
    assert anew < 40 < prompt
    files = [file for file in tmp_path.glob("prompts/*/*") if file.is_file()]
    assert 0 < sum(file.stat().st_size for file in files) < 200e6
    for file in files:
        file.write_bytes(b"nonsense")
    prompt, anew = computed(tmp_path, "What is a fruit?")
    assert anew == prompt
