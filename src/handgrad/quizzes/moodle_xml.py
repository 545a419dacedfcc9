"""The elements that every question of Moodle's XML format is made of, and the file of a category."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement


def quiz_file(title: str, questions: Iterable[Element]) -> bytes:
    """A file of questions in a category of this title."""
    quiz = Element("quiz")
    category = SubElement(quiz, "question", type="category")
    texted(SubElement(category, "category"), f"$course$/top/{title.replace('/', '//')}")
    quiz.extend(questions)
    ElementTree.indent(quiz)
    content: bytes = ElementTree.tostring(quiz, encoding="utf-8", xml_declaration=True)
    return content + b"\n"


def html_element(parent: Element, tag: str, content: str) -> Element:
    """An element whose text is HTML."""
    element = SubElement(parent, tag, format="html")
    texted(element, content)
    return element


def texted(parent: Element, text: str) -> None:
    """Puts a text into an element."""
    SubElement(parent, "text").text = text
