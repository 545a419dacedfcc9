"""Discussion questions about a worked solution, answered from computation."""

from handgrad.discussion.answers import answer_text as answer_text
from handgrad.discussion.asked import question_text as question_text
from handgrad.discussion.asking import questions_for as questions_for
from handgrad.discussion.asking import to_discuss as to_discuss
from handgrad.discussion.structure import QUESTION_KINDS as QUESTION_KINDS
from handgrad.discussion.structure import Question as Question
from handgrad.discussion.structure import QuestionSheet as QuestionSheet
