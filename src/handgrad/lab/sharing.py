"""Links that hold a whole page of the lab: the problem with its numbers, and how it is shown.

What stands after `#p=` is a JSON object, deflated (RFC 1951) and written in the letters of base64url (RFC 4648,
section 5) without padding. A browser sends nothing after a # to any server.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Mapping
from typing import Any

from handgrad.errors import MissingExtraError, OptionError
from handgrad.lab.view import LONGEST, View, text_of

MARK = "#p="
LONGEST_CODE = 1200
"""Characters of a link that a camera still reads off a projector."""


def packed(text: str, view: Mapping[str, Any] | None = None) -> str:
    """What stands after the # of a link to a problem."""
    state = json.dumps({"text": text, "view": dict(view or {})}, ensure_ascii=False)
    deflate = zlib.compressobj(9, wbits=-15)
    raw = deflate.compress(state.encode()) + deflate.flush()
    return MARK + base64.urlsafe_b64encode(raw).decode().rstrip("=")


def unpacked(link: str) -> tuple[str, View]:
    """The problem's text and the view of a link. Raises `OptionError` for one that is damaged."""
    _, mark, letters = link.strip().partition(MARK)
    try:
        raw = base64.b64decode(letters + "=" * (-len(letters) % 4), altchars=b"-_", validate=True)
        inflate = zlib.decompressobj(wbits=-15)
        # A few letters may hold gigabytes: no more is unpacked than a problem may have.
        data = inflate.decompress(raw, 4 * LONGEST + 1000)
        state = json.loads(data)
    except (binascii.Error, zlib.error, ValueError, RecursionError):
        state = None
    if not mark or not isinstance(state, dict):
        raise OptionError(
            "the link holds no problem", mend="copy it whole, from https:// to its end"
        )
    return text_of(state), View.read(state.get("view"))


def code_answer(asked: Mapping[str, Any]) -> dict[str, str]:
    """A link as a QR code, in SVG; empty where it is too long to be read by a camera."""
    link = asked.get("link")
    if not isinstance(link, str) or len(link) > LONGEST_CODE:
        return {"svg": "", "said": "The link is too long for a QR code: send it."}
    try:
        import segno
    except ModuleNotFoundError:
        raise MissingExtraError("QR codes need segno", mend="pip install 'handgrad[lab]'") from None
    code = segno.make(link, error="l", micro=False)
    svg = code.svg_inline(scale=3, border=2, dark="#000", light="#fff", omitsize=True)
    return {"svg": svg, "said": "The link as a QR code."}
