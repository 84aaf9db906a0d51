"""Files of a version to take away: the client's document as HTML or PDF, and the artifact itself."""

from __future__ import annotations

import asyncio
from typing import Literal, get_args
from urllib.parse import quote

from starlette.responses import Response

from steelyard.proposals.client_document import build_client_document
from steelyard.proposals.client_html import client_html
from steelyard.proposals.documents import artifact_bytes
from steelyard.proposals.tables import VersionRow
from steelyard.proposals.version_evidence import artifact_of

FileFormat = Literal["html", "pdf", "json"]
FORMATS: tuple[FileFormat, ...] = get_args(FileFormat)

_MEDIA_TYPES: dict[FileFormat, str] = {
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
    "json": "application/json",
}


async def version_file(version: VersionRow, file_format: FileFormat, *, as_download: bool = False) -> Response:
    """A version, read with its documents, as a file; drawn in a thread, for a long one takes a while.

    Raises:
        DataIntegrityError: the stored artifact cannot be read.
    """
    content = await asyncio.to_thread(file_content, version, file_format)
    name = quote(f"{version.proposal_id}_v{version.version_no}.{file_format}", safe="")
    headers = {
        "Content-Disposition": f"{'attachment' if as_download else 'inline'}; filename*=UTF-8''{name}",
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(content, media_type=_MEDIA_TYPES[file_format], headers=headers)


def file_content(version: VersionRow, file_format: FileFormat) -> bytes:
    """The bytes of the file; drawing a long document takes a while.

    Raises:
        DataIntegrityError: the stored artifact cannot be read.
    """
    if file_format == "json":
        return artifact_bytes(version)
    document = build_client_document(artifact_of(version))
    if file_format == "html":
        return client_html(document).encode()
    from steelyard.proposals.client_pdf import client_pdf  # noqa: PLC0415 - only a PDF waits for reportlab

    return client_pdf(document)
