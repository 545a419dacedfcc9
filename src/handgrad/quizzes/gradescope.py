"""A Gradescope autograder: a zip that installs handgrad and checks the answers file that a student hands in.

Gradescope runs setup.sh once, as it builds the grader, and run_autograder for each submission. The base image has to have
Python 3.11 or later: that of Ubuntu 24.04.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import PurePosixPath

from handgrad import __version__
from handgrad.exercises import file_names
from handgrad.quizzes.packing import packed
from handgrad.quizzes.question import QuizQuestion

SETUP = """#!/usr/bin/env bash
# Gradescope runs this once. Choose Ubuntu 24.04 as the base image; a wheel of handgrad in this zip is installed in place of
# the published package.
set -euo pipefail
apt-get update
apt-get install -y python3 python3-venv
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {{
  echo "handgrad needs Python 3.11 or later: choose Ubuntu 24.04 as the base image" >&2
  exit 1
}}
python3 -m venv /autograder/handgrad
wheels=(/autograder/source/*.whl)
if [ -e "${{wheels[0]}}" ]; then
  /autograder/handgrad/bin/pip install "${{wheels[@]}}"
else
  /autograder/handgrad/bin/pip install 'handgrad=={version}'
fi
"""

RUN = """#!/usr/bin/env bash
exec /autograder/handgrad/bin/python -m handgrad.quizzes.autograder /autograder
"""


def gradescope_files(questions: Sequence[QuizQuestion], name: str) -> dict[PurePosixPath, bytes]:
    """The zip: the two programs, each student's problem, and whose it is."""
    sheets = [question.sheet for question in questions]
    contents = {
        "setup.sh": SETUP.format(version=__version__),
        "run_autograder": RUN,
    }
    listed = []
    for file, sheet in zip(file_names(sheets), sheets, strict=True):
        path = f"problems/{file}.toml"
        contents[path] = sheet.problem.to_toml()
        student = sheet.student
        listed.append(
            {
                "problem": path,
                "id": student.id if student else "",
                "name": student.name if student else "",
            }
        )
    asked = [asked.target for asked in questions[0].asked]
    contents["sheets.json"] = json.dumps({"asked": asked, "sheets": listed}, indent=1) + "\n"
    return {
        PurePosixPath(name): packed(
            {path: text.encode() for path, text in contents.items()}, ["setup.sh", "run_autograder"]
        )
    }
