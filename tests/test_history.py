"""The table that says by commit how long handgrad's own work takes beside an older checkout."""

from __future__ import annotations

from benchmarks.history import with_row
from benchmarks.measuring import Figure


def figures(**ratios: float) -> list[Figure]:
    return [Figure(name, "older", ratio, 1.0) for name, ratio in ratios.items()]


def test_a_row_is_added_or_takes_the_place_of_its_commits_own() -> None:
    table = with_row("", figures(page=0.5), "1e55415", "aaa")
    table = with_row(table, figures(page=0.4), "1e55415", "bbb")
    table = with_row(table, figures(page=0.3), "1e55415", "bbb")
    assert table.splitlines() == [
        "| commit, against 1e55415 | page |",
        "| --- | --- |",
        "| aaa | 0.50 |",
        "| bbb | 0.30 |",
    ]


def test_rows_stay_when_other_work_is_measured() -> None:
    table = with_row("", figures(page=0.5, trace=0.7), "1e55415", "aaa")
    assert with_row(table, figures(deck=0.9, page=0.4), "1e55415", "bbb").splitlines()[2:] == [
        "| aaa |  | 0.50 | 0.70 |",
        "| bbb | 0.90 | 0.40 |  |",
    ]


def test_another_checkout_begins_another_table() -> None:
    table = with_row("", figures(page=0.5), "1e55415", "aaa")
    assert with_row(table, figures(page=0.4), "0000000", "bbb").splitlines() == [
        "| commit, against 0000000 | page |",
        "| --- | --- |",
        "| bbb | 0.40 |",
    ]
