"""An article that is a Word document: its text as HTML, made by mammoth, and what the document says of itself.

Word documents are zips of XML and hostile like everything: how much they unpack to is bounded, no picture is read
and nothing outside of the document is opened. What is NOT here: what the HTML means (``article_html``).
"""

from __future__ import annotations

import io
import zipfile
import zlib
from html import escape
from xml.parsers.expat import ExpatError

from lxml import etree

from kbgen.errors import RecordError
from kbgen.sources.archives import MEMBER_CAP

_CORE = "docProps/core.xml"
_DOCUMENT = "word/document.xml"
_PROLOGUE = 4096
_STYLES = """
p[style-name='Title'] => h1.title:fresh
p[style-name='Subtitle'] => p:fresh
p[style-name='Code'] => pre:separator('\\n')
p[style-name='HTML Preformatted'] => pre:separator('\\n')
"""
# ECMA-376 part 2, core properties: the element to the name a page's head gives it.
_PROPERTIES = {
    "title": "og:title",
    "description": "description",
    "subject": "description",
    "keywords": "keywords",
    "created": "dcterms.created",
    "modified": "dcterms.modified",
}
# What Word and converters write when nobody gave a title.
_NO_TITLE = ("microsoft word - ", "untitled", "document1", "word document", "powerpoint presentation")


def docx_html(data: bytes, file: str) -> str:
    """Turn a Word document into a page.

    Args:
        data: the document.
        file: its name, for messages.

    Returns:
        A whole HTML page; what the document says of itself is in its head. Pictures are their descriptions.

    Raises:
        RecordError: it is no Word document, is encrypted, or unpacks to too much.
    """
    # Here, because few have Word documents.
    import mammoth  # noqa: PLC0415

    head = _head(data, file)
    try:
        result = mammoth.convert_to_html(
            io.BytesIO(data),
            style_map=_STYLES,
            convert_image=mammoth.images.img_element(lambda _image: {"src": ""}),
            include_embedded_style_map=False,
            external_file_access=False,
        )
    except (KeyError, ValueError, TypeError, AttributeError, IndexError, ExpatError, zlib.error, OSError) as error:
        reason = str(error) or type(error).__name__
        raise RecordError(file, f"cannot be read as a Word document ({reason}); save it again as .docx") from error
    except RecursionError as error:
        raise RecordError(file, "is nested too deeply to be read; make its tables or lists flatter") from error
    return f"<html>{head}<body><main>{result.value}</main></body></html>"


def _head(data: bytes, file: str) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = {info.filename: info for info in archive.infolist()}
            if _DOCUMENT not in names:
                raise RecordError(file, "is not a Word document; save it again as .docx")
            if sum(info.file_size for info in names.values()) > MEMBER_CAP * 4:
                raise RecordError(file, f"unpacks to over {MEMBER_CAP * 4:,} bytes; exclude it")
            if any(_declares(archive, info) for info in names.values()):
                raise RecordError(file, "declares entities, as no Word document does; save it again as .docx")
            core = archive.read(_CORE) if _CORE in names and names[_CORE].file_size < MEMBER_CAP else b""
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, zlib.error) as error:
        problem = f"is not a Word document ({error}); an encrypted or old one (.doc) is saved again as .docx"
        raise RecordError(file, problem) from error
    return f"<head>{''.join(_metas(core))}</head>"


def _declares(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> bool:
    """Whether a part of the package has a document type, which ECMA-376 part 2 forbids and a bomb is made of."""
    if not part.filename.lower().endswith((".xml", ".rels")):
        return False
    with archive.open(part) as stream:
        return b"<!DOCTYPE" in stream.read(_PROLOGUE).replace(b"\0", b"")


def _metas(core: bytes) -> list[str]:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(core, parser)
    except etree.XMLSyntaxError:
        return []
    metas: list[str] = []
    for element in root:
        name = etree.QName(element).localname if isinstance(element.tag, str) else ""
        text = " ".join((element.text or "").split())
        if name in _PROPERTIES and text and not (name == "title" and text.lower().startswith(_NO_TITLE)):
            text = text.replace(";", ",") if name == "keywords" else text
            metas.append(f'<meta name="{_PROPERTIES[name]}" content="{escape(text)}">')
    return metas
