"""An answer to why as one JSON object, at full precision. Its schema is `schema/why.json`."""

from __future__ import annotations

from typing import Any

from handgrad.equations import source
from handgrad.explain.text import plain_text
from handgrad.expression import Expression
from handgrad.page.why import blame_text
from handgrad.why import Blame, Path, Term, WhyGradient, WhyValue

SCHEMA = "handgrad/why/1"


def why_object(why: WhyGradient | WhyValue) -> dict[str, Any]:
    """The answer as plain objects; entries count from 0.

    Of a value the `paths` are the terms of the sum that decides it, and `links` leads there.
    """
    head = {"schema": SCHEMA, "value": why.value}
    tail = {"parts": {n: source(f) for n, f in why.parts.items()}}
    match why:
        case WhyGradient():
            return {
                **head,
                "of": "gradient",
                "entry": f"d{why.entry}",
                "loss": why.loss,
                "cases": why.case_count,
                "paths": [_path(p) for p in why.paths],
                "path_count": why.path_count,
                "covered": why.covered,
                "links": [],
                **tail,
            }
        case WhyValue():
            return {
                **head,
                "of": "given" if why.given else "value",
                "entry": str(why.entry),
                "loss": why.problem.loss,
                "cases": 1,
                "paths": [_term(t) for t in why.terms],
                "path_count": why.term_count,
                "covered": why.covered,
                "links": [
                    {
                        "entry": str(link.entry),
                        "formula": source(link.formula),
                        "value": link.value,
                        "step": link.step,
                        "blame": _blame(link.blame, link.value),
                    }
                    for link in why.links
                ],
                **tail,
            }


def _path(path: Path) -> dict[str, Any]:
    return {
        "through": [str(e) for e in path.through],
        "factors": [
            {
                "of": str(f.by),
                "by": str(f.of),
                "value": f.value,
                "formula": _formula(f.formula),
                "step": f.step,
                "shortcut": f.shortcut,
                "blame": _blame(f.blame, f.value),
            }
            for f in path.factors
        ],
        "product": path.product,
        "case": path.case,
        "share": path.share,
    }


def _term(term: Term) -> dict[str, Any]:
    return {
        "through": [str(e) for e in term.through],
        "factors": list(term.factors),
        "product": term.product,
        "formula": source(term.formula),
        "blame": _blame(term.blame, term.blame.value if term.blame is not None else 0.0),
    }


def _formula(formula: Expression | None) -> str | None:
    return None if formula is None else source(formula)


def _blame(blame: Blame | None, factor: float) -> dict[str, Any] | None:
    if blame is None:
        return None
    return {
        "kind": blame.kind,
        "entry": str(blame.entry),
        "value": blame.value,
        "step": blame.step,
        "text": plain_text(blame_text(blame, factor)),
    }
