"""Graph versions are found by the beginning of their hash, each with what it came from in its own training."""

import pytest

from store import Store
from store.events import RolledOut, VersionMade
from store.versions import UnknownVersion, get_version, lineage, list_versions, seconds_by_graph

A, B, C = "aa11" * 8, "aa22" * 8, "bb33" * 8


def train(store: Store, *line: str) -> str:
    """A training whose versions follow one another."""
    log = store.start_run(task="train")
    for k, version in enumerate(line):
        kept = {"graph": log.put("{}"), "scores": log.put("{}")}
        made = VersionMade(
            version=version, step=k, parent=line[k - 1] if k else "", mean=0.1 * k, tokens=9, usd=0, **kept
        )
        log.emit(f"step/{k}/version", made)
        for n, seconds in enumerate((1.0, 3.0, 2.0)):
            log.emit(f"rollout/{k}/{n}", RolledOut(graph_hash=version, case=str(n), score=1.0), seconds + k)
    log.finish("answered")
    store.flush()
    return log.run_id


def test_a_version_is_found_by_the_beginning_of_its_hash(store: Store) -> None:
    train(store, A, B)
    later = train(store, A, C)
    assert get_version(store, "bb33").version == C
    assert get_version(store, A).run_id == later
    with pytest.raises(UnknownVersion, match="no version 9999"):
        get_version(store, "9999")
    with pytest.raises(UnknownVersion, match="no version aa"):
        get_version(store, "aa")  # too short to mean anything
    train(store, "aa11" + "c" * 28)
    with pytest.raises(UnknownVersion, match="several versions begin with aa11"):
        get_version(store, "aa11")


def test_versions_come_the_latest_first_and_by_training(store: Store) -> None:
    first, second = train(store, A, B), train(store, C)
    assert [v.version for v in list_versions(store)] == [C, B, A]
    assert [v.version for v in list_versions(store, run_id=first)] == [B, A]
    assert [v.run_id for v in list_versions(store, limit=1)] == [second]


def test_a_lineage_leads_back_to_where_the_training_began(store: Store) -> None:
    run = train(store, A, B, C)
    train(store, C, A)  # another training may go the other way round
    (last, *_) = list_versions(store, run_id=run)
    assert [v.version for v in lineage(store, last)] == [C, B, A]


def test_what_a_case_takes_is_the_median_over_a_graph_s_rollouts(store: Store) -> None:
    assert seconds_by_graph(store, train(store, A, B)) == {A: 2.0, B: 3.0}
