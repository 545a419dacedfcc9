"""Functions that JAX writes out and the table of operations has whole: softmax, its logarithm, log-sum-exp.

jax.nn.softmax and the like move their scores by their largest entry, whose gradient is stopped. What is left over
when the pattern is put as one instruction is dropped: nothing asks for it any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from jax.extend.core import primitives as p

from handgrad.models.jax.flattening import Flat, FlatEquation

SOFTMAX, LOG_SOFTMAX, LOGSUMEXP = (
    "softmax written out",
    "log softmax written out",
    "log-sum-exp written out",
)

_LOOKED_THROUGH = (
    p.broadcast_in_dim_p.name,
    p.reshape_p.name,
    p.transpose_p.name,
    p.squeeze_p.name,
    p.convert_element_type_p.name,
)


@dataclass
class Patterns:
    """Looks for the patterns in flat instructions."""

    flat: Flat

    def __post_init__(self) -> None:
        self.makers = {k: i for i in self.flat.instructions for k in i.outputs}

    def put(self, outputs: Sequence[int]) -> list[FlatEquation]:
        """The instructions with patterns as one each, and without what nothing asks for."""
        found = [self._whole(i) or i for i in self.flat.instructions]
        asked = set(outputs)
        kept = []
        for instruction in reversed(found):
            if asked.intersection(instruction.outputs):
                asked.update(instruction.inputs)
                kept.append(instruction)
        return kept[::-1]

    def _whole(self, instruction: FlatEquation) -> FlatEquation | None:
        match instruction.name:
            case p.div_p.name:
                over, under = instruction.inputs
                shift = self._shifted_exponential(over)
                if shift is not None and self._sum_of(under, over) is not None:
                    return self._put(instruction, SOFTMAX, shift, self._sum_of(under, over))
            case p.sub_p.name:
                shifted, logarithm = instruction.inputs
                of = self._maker(self._through(logarithm), p.log_p.name)
                total = self._total(of.inputs[0]) if of is not None else None
                powers = self._maker(total[0], p.exp_p.name) if total is not None else None
                scores = self._moved(shifted)
                if total and powers and scores is not None and powers.inputs[0] == shifted:
                    return self._put(instruction, LOG_SOFTMAX, scores, total[1])
            case p.add_p.name:
                for logarithm, shift in (instruction.inputs, instruction.inputs[::-1]):
                    found = self._logsumexp(logarithm, shift)
                    if found is not None:
                        return self._put(instruction, LOGSUMEXP, *found)
        return None

    def _put(
        self, instruction: FlatEquation, name: str, scores: int | None, axes: tuple[int, ...] | None
    ) -> FlatEquation:
        assert scores is not None
        return replace(instruction, name=name, inputs=(scores,), params={"axes": axes})

    def _maker(self, value: int, name: str) -> FlatEquation | None:
        found = self.makers.get(value)
        return found if found is not None and found.name == name else None

    def _through(self, value: int) -> int:
        """What a value is that was only laid out in another way."""
        while (maker := self.makers.get(value)) is not None and maker.name in _LOOKED_THROUGH:
            value = maker.inputs[0]
        return value

    def _moved(self, value: int) -> int | None:
        """The scores of which a number was taken whose gradient is stopped."""
        maker = self._maker(value, p.sub_p.name)
        return maker.inputs[0] if maker is not None and self._is_stopped(maker.inputs[1]) else None

    def _is_stopped(self, value: int) -> bool:
        return self._maker(self._through(value), p.stop_gradient_p.name) is not None

    def _shifted_exponential(self, value: int) -> int | None:
        maker = self._maker(value, p.exp_p.name)
        return None if maker is None else self._moved(maker.inputs[0])

    def _sum_of(self, total: int, terms: int) -> tuple[int, ...] | None:
        """Along which axes a value is the sum of another."""
        found = self._total(total)
        return found[1] if found is not None and found[0] == terms else None

    def _total(self, value: int) -> tuple[int, tuple[int, ...]] | None:
        """What a value is the sum of, and along which axes."""
        maker = self._maker(self._through(value), p.reduce_sum_p.name)
        if maker is None:
            return None
        return maker.inputs[0], tuple(int(k) for k in maker.params["axes"])

    def _logsumexp(self, logarithm: int, shift: int) -> tuple[int, tuple[int, ...]] | None:
        of = self._maker(logarithm, p.log_p.name)
        if of is None or not self._is_stopped(shift):
            return None
        inner = self._maker(of.inputs[0], p.abs_p.name)
        total = self._total(of.inputs[0] if inner is None else inner.inputs[0])
        scores = None if total is None else self._shifted_exponential(total[0])
        return None if total is None or scores is None else (scores, total[1])
