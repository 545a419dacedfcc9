"""Discussion questions about a worked solution, answered from computation."""

from handgrad.discussion.kinds import KINDS as KINDS
from handgrad.discussion.question import Question as Question
from handgrad.discussion.questioning import QUESTION_KINDS as QUESTION_KINDS
from handgrad.discussion.questioning import questions as questions
from handgrad.discussion.questioning import questions_for as questions_for
from handgrad.discussion.sheet import QuestionSheet as QuestionSheet
