"""An update: its rule and its settings."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import field, replace
from typing import SupportsFloat

from handgrad.errors import ProblemError, nearest
from handgrad.expression import Adjoint, Name
from handgrad.record import record
from handgrad.updates.clipping import CLIPS, clipped, norm_lines
from handgrad.updates.lines import Terms, UpdateLine, own
from handgrad.updates.rules import RULES
from handgrad.updates.schedules import SCHEDULES
from handgrad.updates.settings import MEANT

WRITTEN = ("rule", "rate", "rates", "schedule")
"""The keys of [update] that are no rule's setting."""


@record
class Update:
    """How parameters are updated.

    Arguments:
        rule: "sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adadelta", "adam", "adamw" or "lion".
        rate: the learning rate η.
        options: other settings, such as {"beta1": 0.9} or {"clip_norm": 1.0}; defaults for the rest.
        rates: by parameter, the rate of those that have one of their own; 0 freezes one.
        schedule: "step" or "cosine", whose settings are options too; empty for the same rate throughout.

    Raises `ProblemError` for a rule, a schedule or an option that does not exist, and for what it cannot be.
    """

    rule: str = "sgd"
    rate: float = 0.1
    options: Mapping[str, float] = field(default_factory=dict)
    rates: Mapping[str, float] = field(default_factory=dict)
    schedule: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.rates, Mapping):
            raise ProblemError(
                "the update's rates are a table: a rate for each parameter that has its own",
                mend="write rates = { W1 = 0.1 }",
            )
        own_rates = {f"rate of {name}": rate for name, rate in self.rates.items()}
        for setting, value in {"rate": self.rate, **self.options, **own_rates}.items():
            if not isinstance(value, SupportsFloat) or isinstance(value, str):
                raise ProblemError(f"the update's {setting} is not a number: {str(value)[:40]!r}")
        check_settings(self.rule, self.schedule, self.options)
        self._check_numbers()

    def _check_numbers(self) -> None:
        """Raises `ProblemError` for numbers that a setting cannot have, and settings that exclude each other."""
        if all(clip in self.options for clip in CLIPS):
            raise ProblemError(
                "clip_norm and clip_value both clip the gradients", mend="keep one of the two"
            )
        for clip in CLIPS:
            if self.options.get(clip, 1.0) <= 0:
                raise ProblemError(
                    f"{clip} = {self.options[clip]:g} leaves nothing of a gradient",
                    mend=f"write a number over 0, or leave {clip} out",
                )
        rates = {"rate": self.rate, **{f"rate of {n}": rate for n, rate in self.rates.items()}}
        for setting, number in {**rates, **self.options}.items():
            if number < 0:
                raise ProblemError(f"{setting} = {number:g} is below 0", mend="write 0 or more")
        for beta in ("beta1", "beta2"):
            if self.options.get(beta, 0.0) >= 1:
                raise ProblemError(
                    f"{beta} = {self.options[beta]:g} remembers nothing but the start",
                    mend="write a number from 0 up to below 1, such as 0.9",
                )
        lowest = self.options.get("rate_min", 0.0)
        for setting, rate in rates.items():
            if 0 < rate < lowest:
                raise ProblemError(
                    f"rate_min = {lowest:g} is above the {setting}, {rate:g}",
                    mend="the rate falls from its full value to the lowest",
                )
        for count in ("every", "steps"):
            number = self.options.get(count, 1.0)
            if number < 1 or number != int(number):
                raise ProblemError(
                    f"{count} = {number:g} is no number of updates", mend="write 1, 2, 3, …"
                )

    @property
    def settings(self) -> dict[str, float]:
        """The rate and every option, defaults filled in, and what counts the updates at the first of them."""
        defaults = {k: v for k, v in _known(self.rule, self.schedule).items() if v is not None}
        constants = SCHEDULES[self.schedule].constants if self.schedule else {}
        return {"rate": self.rate, **defaults, **self.options, **constants, **self.counted(1)}

    def counted(self, number: int) -> dict[str, float]:
        """What counts the updates, in update `number`, from 1."""
        counts = {"step": float(number)}
        if "every" in self.options:
            counts["drops"] = float((number - 1) // int(self.options["every"]))
        return counts

    @property
    def clips(self) -> str:
        """The setting by which it clips gradients; empty where it does not."""
        return next((clip for clip in CLIPS if clip in self.options), "")

    def rate_of(self, parameter: str) -> float:
        """The rate of a parameter, before any schedule."""
        return float(self.rates.get(parameter, self.rate))

    def accepts(self, setting: str) -> bool:
        """Whether an option has this name."""
        return setting in _known(self.rule, self.schedule)

    def scaled(self, times: float) -> Update:
        """The update with every rate so many times as large."""

        def scale(rate: float) -> float:
            return float(f"{rate * times:.12g}")

        options = {k: scale(v) if k == "rate_min" else v for k, v in self.options.items()}
        rates = {name: scale(rate) for name, rate in self.rates.items()}
        return replace(self, rate=scale(self.rate), options=options, rates=rates)

    def by_rule(self, rule: str) -> Update:
        """The same rates, schedule and clipping by another rule, whose settings are then its defaults."""
        kept = {k: v for k, v in self.options.items() if k not in RULES[self.rule].options}
        return replace(self, rule=rule, options=kept)

    def bare(self) -> Update:
        """The rule and its settings alone, all parameters at one rate that is not 0."""
        options = {k: v for k, v in self.options.items() if k in RULES[self.rule].options}
        return Update(self.rule, 1.0, options)

    # -- formulas ------------------------------------------------------------------------------

    def own_rate(self, parameter: str, named: Mapping[str, Name]) -> Name | None:
        """The name of a parameter's own rate in formulas; None where it has none."""
        return own(named["rate"].name, parameter) if parameter in self.rates else None

    def rate_name(self, parameter: str, named: Mapping[str, Name]) -> Name:
        """What a parameter's update takes as the rate: η, η_t with a schedule, or one of its own."""
        name = "rate_now" if self.schedule and self.rate_of(parameter) else "rate"
        return own(named[name].name, parameter) if parameter in self.rates else named[name]

    def shared(self, gradients: Sequence[Adjoint], named: Mapping[str, Name]) -> list[UpdateLine]:
        """The formulas before those of the parameters: the rate now, and what the gradients are clipped by."""
        lines: list[UpdateLine] = []
        if any(self.rate_name(g.name, named) == named["rate_now"] for g in gradients):
            rate = SCHEDULES[self.schedule].rate(named["rate"], named)
            lines.append(UpdateLine(named["rate_now"], rate, "let"))
        if self.clips == "clip_norm":
            lines += norm_lines(gradients, named)
        return lines

    def lines(
        self, parameter: Name, gradient: Adjoint, named: Mapping[str, Name]
    ) -> list[UpdateLine]:
        """The formulas for one parameter, in which the settings are `named` so."""
        rate, given = self.rate_name(parameter.name, named), self.own_rate(parameter.name, named)
        first: list[UpdateLine] = []
        if given is not None and rate != given:
            first = [UpdateLine(rate, SCHEDULES[self.schedule].rate(given, named), "let")]
        settings = self.settings
        taken = clipped(gradient, settings, named)
        return [*first, *RULES[self.rule].lines(Terms(parameter, taken, rate, named, settings))]


def _known(rule: str, schedule: str) -> dict[str, float | None]:
    """The options that there are, with their defaults; None where there is none."""
    scheduled = SCHEDULES[schedule].options if schedule else {}
    return {**RULES[rule].options, **dict.fromkeys(CLIPS), **scheduled}


def check_settings(rule: str, schedule: str, given: Collection[str]) -> None:
    """Raises `ProblemError` for an unknown rule or schedule, and for options that they do not have or lack."""
    if rule not in RULES:
        raise ProblemError(
            f"the update rule {rule!r} is unknown",
            mend=nearest(rule, RULES) or f"rules: {', '.join(RULES)}",
        )
    if schedule and schedule not in SCHEDULES:
        raise ProblemError(
            f"the schedule {schedule!r} is unknown",
            mend=nearest(schedule, SCHEDULES) or f"schedules: {', '.join(SCHEDULES)}",
        )
    known = _known(rule, schedule)
    for option in given:
        if option not in known:
            raise ProblemError(
                f"the update rule {rule} has no setting {option!r}",
                mend=_mend(option, rule, known),
            )
    for option, default in SCHEDULES[schedule].options.items() if schedule else ():
        if default is None and option not in given:
            raise ProblemError(
                f"the schedule {schedule!r} has no {option}", mend=f"write {option} = 10"
            )


def _mend(option: str, rule: str, known: Collection[str]) -> str:
    """What was meant by a setting that a rule does not have."""
    if rule == "sgd" and option in RULES:
        return f'write rule = "{option}"'
    owners = [rule.name for rule in RULES.values() if option in rule.options]
    if owners:
        return f"{', '.join(owners)} {'has' if len(owners) == 1 else 'have'} it"
    for schedule in SCHEDULES.values():
        if option in schedule.options:
            return f'it belongs to schedule = "{schedule.name}"'
    every = (*known, *WRITTEN)
    meant = MEANT.get(option, "")
    if meant in every:
        return f"did you mean {meant}?"
    if meant:
        return f"{meant}: {_mend(meant, rule, known)}" if "and" not in meant else f"write {meant}"
    return nearest(option, every) or f"its settings: {', '.join(every)}"
