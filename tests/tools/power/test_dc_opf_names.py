"""Grids by the names people give them."""

import pytest

from tools.power.dc_opf.names import UnknownGrid, grid_name


@pytest.mark.parametrize(
    ("said", "grid"),
    [
        ("thirty-bus test system", "case30"),
        ("one hundred and eighteen bus grid", "case118"),
        ("twenty-four bus RTS", "case24_ieee_rts"),
        ("the Illinois net", "case_illinois200"),
        ("57-node network", "case57"),
        ("New England 39-bus system", "case39"),
        ("WSCC 9 bus", "case9"),
        ("Wood and Wollenberg six-bus example", "case6ww"),
        ("European PEGASE model with 2,869 buses", "case2869pegase"),
    ],
)
def test_a_grid_is_known_by_its_size_in_words_or_by_its_family(said: str, grid: str) -> None:
    assert grid_name(said) == grid


@pytest.mark.parametrize(
    "said",
    [
        "pegase",
        "thirty-one-bus",
        "Brandenburg 61-node",
        "Brandenburg 30-bus",
        "New England 30-bus",
        "30-bus grid at 118",
        "Illinois 77-bus",
    ],
)
def test_a_size_or_family_that_fits_no_single_grid_is_unknown(said: str) -> None:
    with pytest.raises(UnknownGrid):
        grid_name(said)
