"""A store is small on disk and does not hold up who writes to it."""

import random
import string
import time
from pathlib import Path

from store import LiveLog, Store, content_hash
from store.events import AgentAnswered, AgentStarted, ModelCalled, RunFinished, ToolCalled


def run_chain(log: LiveLog, agents: int, rng: random.Random) -> None:
    """Agents in a row: each reads the one before, calls a model and a tool, and adds 2 KB of text that nobody saw before."""
    before = log.put("the task")
    for i in range(agents):
        key = f"layer/solve/agent/a{i}"
        log.emit(key, AgentStarted(layer="solve", agent=f"a{i}", inputs=(before,)))
        request = log.put(f'{{"model":"m","messages":["{before}"],"temperature":0.0,"seed":{i},"max_tokens":512}}')
        fresh = log.put("".join(rng.choices(string.ascii_letters + string.digits + " .", k=2048)))
        call = ModelCalled(
            call=content_hash(f"call {i}"),
            model="local/qwen2.5-coder-1.5b",
            purpose="agent",
            request=request,
            reply=fresh,
            prompt_tokens=700,
            completion_tokens=500,
        )
        log.emit(f"{key}/turn/0/model#0", call, seconds=1.234567)
        arguments, output = log.put(f'{{"case":"case30","scale":{i}}}'), log.put(f'{{"cost":{i}.125}}')
        tool = ToolCalled(call=call.call, tool="calculate", version="1", arguments=arguments, output=output)
        log.emit(f"{key}/turn/0/tool#0", tool, seconds=0.012345)
        log.emit(
            f"{key}/turn/1/model#0", call.model_copy(update={"call": content_hash(f"again {i}")}), seconds=1.234567
        )
        log.emit(f"{key}/answer", AgentAnswered(layer="solve", agent=f"a{i}", answer=fresh))
        before = fresh
    log.emit("end", RunFinished(status="answered", answer=before))


def test_a_chain_of_100_agents_that_add_2_kb_each_takes_less_than_half_a_megabyte(tmp_path: Path) -> None:
    place = tmp_path / "runs.db"
    with Store.open(str(place)) as store:
        run_chain(store.start_run(task="the task"), 100, random.Random(0))
    files = list(tmp_path.iterdir())
    assert files == [place]  # closing has emptied the write-ahead log
    print(f"chain of 100: {place.stat().st_size / 1000:.0f} KB")
    assert place.stat().st_size < 500_000


def test_disk_use_grows_linearly_with_content(tmp_path: Path) -> None:
    sizes = []
    for agents in (0, 200, 400):
        place = tmp_path / f"{agents}.db"
        with Store.open(str(place)) as store:
            run_chain(store.start_run(task="the task"), agents, random.Random(0))
        sizes.append(place.stat().st_size)
    assert (sizes[2] - sizes[0]) / (sizes[1] - sizes[0]) < 2.2


def median_us(times: list[float]) -> float:
    return sorted(times)[len(times) // 2] * 1e6


def test_emit_put_and_memo_take_microseconds(store: Store) -> None:
    log = store.start_run(task="task")
    emits, puts, memos = [], [], []
    for i in range(500):
        begin = time.perf_counter()
        ref = log.put(f"{i}" * 1000)
        puts.append(time.perf_counter() - begin)
        event = ModelCalled(call=f"{i}", model="m", purpose="p", request=ref, reply=ref, prompt_tokens=7)
        begin = time.perf_counter()
        log.emit(f"layer/solve/agent/a{i}/turn/0/model#0", event)
        emits.append(time.perf_counter() - begin)
    store.flush()
    for i in range(500):
        begin = time.perf_counter()
        log.memo(f"unknown {i}")
        memos.append(time.perf_counter() - begin)
    print(f"median: emit {median_us(emits):.0f} us, put {median_us(puts):.0f} us, memo {median_us(memos):.0f} us")
    assert median_us(emits) < 100  # 5 us on a quiet machine
    assert median_us(puts) < 100
    assert median_us(memos) < 1500
