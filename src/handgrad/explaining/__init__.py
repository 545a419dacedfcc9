"""The reference of one operation: what it computes, its pull-backs, its kinks, and what frameworks take there."""

from handgrad.explaining.explanation import Explanation as Explanation
from handgrad.explaining.explanation import explain as explain
