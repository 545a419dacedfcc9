"""A check as one JSON object, at full precision. Its schema is `schema/check.json`."""

from __future__ import annotations

from typing import Any

from handgrad.check.remarks import Arrangement, ArrayFault, NoArray, Unused
from handgrad.check.report import CheckReport, Judged
from handgrad.equations import source
from handgrad.explain import plain_text
from handgrad.render.json import plain
from handgrad.render.records import record

SCHEMA = "handgrad/check/1"


def check_object(report: CheckReport) -> dict[str, Any]:
    """A report as plain objects. Entries are counted from 0; a cell without a figure is null."""
    return {
        "schema": SCHEMA,
        "as_printed": report.as_printed,
        "all_well": report.all_well,
        "marks": report.marks,
        "out_of": report.out_of,
        "steps": [_step(s) for s in report.steps],
        "remarks": list(report.remarks),
        "unused": [_remark(u) for u in report.unused],
    }


def _step(one: Judged) -> dict[str, Any]:
    return {
        "target": one.target,
        "step": one.quantity.step,
        "kind": one.quantity.kind,
        "verdict": one.verdict,
        "printed": one.printed,
        "trivial": one.trivial,
        "marks": one.marks,
        "out_of": one.out_of,
        "expected": plain(one.expected),
        "given": None if one.entry is None else plain(one.entry.value),
        "following": None if one.following is None else plain(one.following),
        "entries": [list(at) for at in one.wrong],
        "diagnosis": [
            {
                "rule": d.rule,
                "text": plain_text(d.text),
                "entries": [list(at) for at in d.entries],
                "step": d.step or one.quantity.step,
                "done": [
                    {"target": m.quantity.target, "rule": m.rule, "formula": source(m.formula)}
                    for m in d.done
                ],
                "numbers": d.numbers,
                "written": d.written,
                "meant": d.meant,
            }
            for d in one.diagnosis
        ],
        "remark": one.remark,
        "arrangement": None if one.arrangement is None else _remark(one.arrangement),
        "convention": None
        if one.convention is None
        else {"kind": "mean_left", "count": one.convention.count},
    }


def _remark(remark: Arrangement | ArrayFault | Unused) -> dict[str, Any]:
    """A remark's facts; why something is no array is an object of its own."""
    if isinstance(remark, NoArray):
        return {"kind": remark.kind, "name": remark.name, "fault": _remark(remark.fault)}
    return {"kind": remark.kind, **record(remark)}
