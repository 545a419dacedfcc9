"""Pages: a closed set of blocks, and the page of a worked solution."""

from handgrad.page.blocks import Block as Block
from handgrad.page.blocks import Code as Code
from handgrad.page.blocks import Columns as Columns
from handgrad.page.blocks import Derivation as Derivation
from handgrad.page.blocks import Document as Document
from handgrad.page.blocks import Figure as Figure
from handgrad.page.blocks import Heading as Heading
from handgrad.page.blocks import Inline as Inline
from handgrad.page.blocks import Layout as Layout
from handgrad.page.blocks import Mark as Mark
from handgrad.page.blocks import Note as Note
from handgrad.page.blocks import Paragraph as Paragraph
from handgrad.page.blocks import Relation as Relation
from handgrad.page.blocks import Room as Room
from handgrad.page.blocks import Table as Table
from handgrad.page.blocks import Text as Text
