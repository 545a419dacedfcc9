"""Whose each submission of a Gradescope export is: submission_metadata.yml beside the folders."""

from __future__ import annotations

import re
from collections.abc import Iterator

METADATA = "submission_metadata.yml"

_FOLDER = re.compile(r"([^\s:#-][^:]*):\s*")
_KEY = re.compile(r"  (?:- |  ):(\w+): ?(.*)")
KNOWN_BY = ("email", "sid", "name")
"""What a submitter is known by, the likelier an id first."""


def submitters(text: str) -> dict[str, list[tuple[str, ...]]]:
    """By folder, those who handed it in, each by email, number and name, as far as they are there.

    Read are the lines that Gradescope writes of it, and not YAML at large:

        submission_1:
          :submitters:
          - :name: Ada
            :sid: '100'
            :email: ada@x.org
          :created_at: …
    """
    return {
        folder: [tuple(one[k] for k in KNOWN_BY if one.get(k)) for one in people]
        for folder, people in _listed(text.splitlines())
    }


def _listed(lines: list[str]) -> Iterator[tuple[str, list[dict[str, str]]]]:
    folder: str | None = None
    people: list[dict[str, str]] = []
    inside = False
    for line in lines:
        found = _FOLDER.fullmatch(line)
        if found is not None:
            if folder is not None:
                yield folder, people
            folder, people, inside = _plain(found[1]), [], False
        elif re.fullmatch(r"  :\w+:.*", line):
            inside = line.strip() == ":submitters:"
        elif inside and (key := _KEY.fullmatch(line)):
            if line.startswith("  - "):
                people.append({})
            if people:
                people[-1][key[1]] = _plain(key[2])
    if folder is not None:
        yield folder, people


def _plain(value: str) -> str:
    """A scalar of YAML without its quotes."""
    value = value.strip()
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        value = value[1:-1].replace("''", "'") if value[0] == "'" else value[1:-1]
    return "" if value in ("~", "null") else value
