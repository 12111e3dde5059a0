import pytest
from hypothesis import given
from hypothesis import strategies as st

from ui.view import words


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.0004, "0.4 ms"),
        (0.012, "12 ms"),
        (0.9996, "1.0 s"),
        (4.21, "4.2 s"),
        (59.97, "1 min 00 s"),
        (125, "2 min 05 s"),
    ],
)
def test_durations_read_as_people_say_them(seconds: float, said: str) -> None:
    assert words.duration(seconds) == said


def test_hours_carry_minutes() -> None:
    assert words.duration(3 * 3600 + 7 * 60) == "3 h 07 min"


@pytest.mark.parametrize(("usd", "said"), [(0, "free"), (0.00042, "$0.00042"), (1.2345, "$1.23"), (3e-7, "$3.0e-07")])
def test_small_sums_of_money_stay_visible(usd: float, said: str) -> None:
    assert words.money(usd) == said


@pytest.mark.parametrize(("n", "said"), [(512, "512 B"), (98_362_432, "98 MB"), (1_117_320_768, "1.1 GB")])
def test_sizes_have_two_digits(n: int, said: str) -> None:
    assert words.size(n) == said


def test_one_is_singular() -> None:
    assert words.bill(1, 2, 0) == "1 model call, 2 tokens, free"


@given(st.text(), st.integers(1, 80))
def test_a_clipped_text_is_one_line_within_its_width(text: str, width: int) -> None:
    clipped = words.clipped(text, width)
    assert len(clipped) <= width
    assert "\n" not in clipped
