"""Zips that are the same whenever they are made."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Collection, Mapping

MADE = (1980, 1, 1, 0, 0, 0)
"""The date of every file in a zip: the earliest that there is."""


def packed(contents: Mapping[str, bytes], executable: Collection[str] = ()) -> bytes:
    """A zip of files by their paths; those that are `executable` may be run once they are unpacked."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in contents.items():
            info = zipfile.ZipInfo(path, MADE)
            info.create_system = 3  # Unix, whatever it is made on: only there files may be run
            info.external_attr = (0o100755 if path in executable else 0o100644) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return buffer.getvalue()
