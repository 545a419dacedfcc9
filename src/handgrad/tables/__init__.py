"""Data files: tables of cases read block by block, never held whole."""

from handgrad.tables.cases import ArrayCases as ArrayCases
from handgrad.tables.cases import Cases as Cases
from handgrad.tables.cases import FileCases as FileCases
from handgrad.tables.cases import open_cases as open_cases
