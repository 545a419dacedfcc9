"""Records: equal by their fields, hashable, with no place for anything else; types refuse a change."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from handgrad.record import builder, record


@record
class Point:
    x: float
    y: float = 0.0
    label: str = field(default="", compare=False)
    seen: int = field(default=0, compare=False, repr=False)


@record
class Place:
    name: str
    floor: int = 0

    def __hash__(self) -> int:
        return hash(self.name)


@record
class Room:
    name: str
    floor: int = 0


def test_records_are_equal_by_what_is_compared() -> None:
    assert Point(1.0, label="a") == Point(1.0, label="b")
    assert Point(1.0) != replace(Point(1.0), y=2.0)
    assert len({Point(1.0), Point(1.0, label="b"), Point(2.0)}) == 2


def test_a_record_is_written_as_the_call_that_makes_it() -> None:
    assert repr(Point(1.0, seen=3)) == "Point(x=1.0, y=0.0, label='')"
    assert repr(replace(Place("hall"), name="attic")) == "Place(name='attic', floor=0)"


def test_records_of_two_classes_are_never_equal() -> None:
    places: list[object] = [Place("hall")]
    assert Room("hall") not in places
    assert Room("hall") == Room("hall")


def test_a_hash_of_its_own_is_kept() -> None:
    assert hash(Place("hall", 1)) == hash("hall")
    assert Place("hall", 1) != Place("hall", 2)


def test_a_record_has_no_other_attributes() -> None:
    with pytest.raises(AttributeError):
        Point(1.0).z = 3.0  # type: ignore[attr-defined]


if TYPE_CHECKING:
    # An ignore that nothing needs fails the type check, so this line says that a change is refused.
    Point(1.0).x = 2.0  # type: ignore[misc]


def test_a_field_without_a_default_after_one_with_a_default_is_told() -> None:
    with pytest.raises(TypeError, match="a field of Late without a default"):

        @record
        class Late:
            first: int = 1
            second: str  # type: ignore[misc]


def test_its_init_is_as_a_dataclass_has_it() -> None:
    @record
    class Finished:
        first: int
        second: tuple[int, ...] = ()
        third: str = "x"
        fourth: list[int] = field(default_factory=list)

        def __post_init__(self) -> None:
            self.third = self.third.upper()  # type: ignore[misc]

    @dataclass
    class Plain:
        first: int
        second: tuple[int, ...] = ()
        third: str = "x"
        fourth: list[int] = field(default_factory=list)

    assert str(inspect.signature(Finished)) == str(inspect.signature(Plain))
    assert (Finished(1).third, Finished(1, (2,), third="y").third) == ("X", "Y")
    assert Finished(1).fourth == [] == Finished(1, fourth=[]).fourth
    assert Finished(1).fourth is not Finished(1).fourth
    assert Finished.__init__.__qualname__.endswith("Finished.__init__")
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'first'"):
        Finished()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="unexpected keyword argument 'fifth'"):
        Finished(1, fifth=2)  # type: ignore[call-arg]


def test_a_builder_may_be_changed_and_is_only_itself() -> None:
    @builder
    class Counting:
        start: int
        found: dict[str, int] = field(default_factory=dict)

        def __post_init__(self) -> None:
            self.most = self.start

    one, other = Counting(1), Counting(1)
    one.found["a"] = one.most = 2
    assert other.found == {}
    assert one != Counting(1, {"a": 2})
    assert len({one, other}) == 2


def test_a_record_without_words_is_made_without_reading_its_signature(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """For a docstring of its own `dataclass` tokenises the arguments: 4 % of a start."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(inspect, "signature", refuse)

    @record
    class Bare:
        a: int

    assert Bare(1).a == 1
