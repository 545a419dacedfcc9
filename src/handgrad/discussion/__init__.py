"""Discussion questions about a worked solution, answered from computation."""

from handgrad.discussion.asking import QUESTION_KINDS as QUESTION_KINDS
from handgrad.discussion.asking import questions_for as questions_for
from handgrad.discussion.asking import to_discuss as to_discuss
from handgrad.discussion.kinds import KINDS as KINDS
from handgrad.discussion.question import Question as Question
from handgrad.discussion.structure import QuestionSheet as QuestionSheet
