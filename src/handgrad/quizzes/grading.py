"""What a question written for PrairieLearn calls: its variant, and marks and words by handgrad's own checker.

`data` is the dictionary that PrairieLearn hands to server.py.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from handgrad.checking.checking import Checker
from handgrad.problem import loads
from handgrad.quizzes.sharing import share_right


def generate(data: dict[str, Any]) -> None:
    """Chooses the variant by the seed, and puts in what is shown of it and what is right."""
    variants = _file(data)["variants"]
    k = int(data["variant_seed"]) % len(variants)
    chosen = variants[k]
    data["params"] |= chosen["params"] | {"variant": k, "sheet": chosen["sheet"]}
    data["correct_answers"] |= chosen["answers"]


def grade(data: dict[str, Any]) -> None:
    """Marks every quantity as `check` does, with the share of its entries that are right, and says what is wrong.

    The figures as they were typed go with the feedback, where `handgrad grade` finds them. A figure that follows from earlier ones is right though these are wrong; the elements' own marks are replaced,
    and what they say of entries is left.
    """
    file = _file(data)
    problem = loads(file["variants"][data["params"]["variant"]]["problem"], files=False)
    figures: dict[str, Any] = {}
    names: dict[str, list[str]] = {}
    batched: set[str] = set()
    for field in file["fields"]:
        target = field["target"]
        names.setdefault(target, []).append(field["name"])
        batched |= {target} if field["batched"] else set()
        array = figures.setdefault(target, np.full(field["shape"], "", dtype=object))
        places = [tuple(at) for row in field["places"] for at in row]
        for number, at in enumerate(places, start=1):
            key = field["name"] if field["scalar"] else f"{field['name']}{number}"
            array[at] = str(data["raw_submitted_answers"].get(key) or "")
    report = Checker(problem).check(
        # Answers have their cases first, as problem files do.
        {
            t: (np.moveaxis(a, -1, 0) if t in batched and a.ndim > 1 else a).tolist()
            for t, a in figures.items()
        }
    )
    data["feedback"]["entered"] = {target: array.tolist() for target, array in figures.items()}
    for target, fields in names.items():
        judged = report[target]
        share = share_right(judged)
        for name in fields:
            scored = data["partial_scores"].setdefault(name, {})
            scored["score"] = share
            scored["weight"] = 1 / len(fields)
        data["feedback"][fields[0]] = "" if judged.verdict == "right" else str(judged)
    total = sum(s["weight"] for s in data["partial_scores"].values())
    scores = (s["score"] * s["weight"] for s in data["partial_scores"].values())
    data["score"] = sum(scores) / total


def _file(data: dict[str, Any]) -> dict[str, Any]:
    path = Path(data["options"]["question_path"]) / "variants.json"
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found
