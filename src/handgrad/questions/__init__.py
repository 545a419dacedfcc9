"""Discussion questions about a worked solution, answered from computation."""

from handgrad.questions.answers import answer_text as answer_text
from handgrad.questions.asked import question_text as question_text
from handgrad.questions.asking import questions_for as questions_for
from handgrad.questions.asking import to_discuss as to_discuss
from handgrad.questions.structure import QUESTION_KINDS as QUESTION_KINDS
from handgrad.questions.structure import Question as Question
from handgrad.questions.structure import QuestionSheet as QuestionSheet
