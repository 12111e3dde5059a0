from pathlib import Path

import pytest

from tools.checkpoints import cache_folder, checkpoint_path, find_checkpoint, keep_checkpoint, provenance_path


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BACKPROSE_CACHE", str(tmp_path))
    return tmp_path


def test_the_cache_is_the_users_unless_the_environment_says_otherwise(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cache_folder() == cache
    monkeypatch.delenv("BACKPROSE_CACHE")
    assert cache_folder().name == "backprose"


def test_the_same_settings_in_any_order_give_the_same_path_and_others_another() -> None:
    one = checkpoint_path("flow", {"seed": 1, "case": "case30"})
    assert one == checkpoint_path("flow", {"case": "case30", "seed": 1})
    assert (
        len(
            {
                one,
                checkpoint_path("flow", {"case": "case30", "seed": 2}),
                checkpoint_path("net", {"seed": 1, "case": "case30"}),
            }
        )
        == 3
    )


def test_what_was_kept_is_found_with_its_story() -> None:
    path = checkpoint_path("flow", {"seed": 1})
    assert find_checkpoint(path) is None
    keep_checkpoint(path, lambda file: file.write_bytes(b"weights"), {"seed": 1, "gap": 0.01})
    story = find_checkpoint(path)
    assert story and (story["seed"], story["gap"]) == (1, 0.01)
    assert path.read_bytes() == b"weights"


def test_a_write_that_fails_leaves_the_old_checkpoint_and_no_litter() -> None:
    path = checkpoint_path("flow", {"seed": 1})
    keep_checkpoint(path, lambda file: file.write_bytes(b"old"), {"run": 1})

    def fail(file: Path) -> None:
        file.write_bytes(b"ne")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        keep_checkpoint(path, fail, {"run": 2})
    story = find_checkpoint(path)
    assert story and story["run"] == 1
    assert sorted(p.name for p in path.parent.iterdir()) == sorted([path.name, provenance_path(path).name])


def test_a_damaged_checkpoint_is_not_found() -> None:
    path = checkpoint_path("flow", {"seed": 1})
    keep_checkpoint(path, lambda file: file.write_bytes(b"weights"), {})
    path.write_bytes(b"weighty")
    assert find_checkpoint(path) is None
