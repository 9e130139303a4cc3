"""Signatures leave addresses, and fillers say nothing of images."""

from __future__ import annotations

import json

import pytest

from kbgen.sources.pictures import description, is_image_address, signed, unsigned

FILE = "https://files.example.com/a/7.png"


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ("", ""),
        ("?w=3", "?w=3"),
        ("?w=3&amp=1", "?w=3&amp=1"),
        ("?X-Amz-Signature=1&w=3&X-Amz-Expires=2", "?w=3"),
        ("?ex=1&is=2&hm=3", ""),
        ("?jwt=eyJ", ""),
        ("?t=xoxe-123", ""),
        ("?t=12", "?t=12"),
        ("?sv=1&sr=b&sig=x&se=2", ""),
        ("?Expires=1&Signature=a&Key-Pair-Id=b", ""),
        ("?token=1#page", "#page"),
        ("?API_KEY=1", ""),
    ],
)
def test_what_is_secret_leaves(query: str, left: str) -> None:
    """The rest stays as it was, and nothing more leaves the second time."""
    assert unsigned(FILE + query) == FILE + left
    assert unsigned(unsigned(FILE + query)) == FILE + left


@pytest.mark.parametrize(
    "text",
    [
        f"<img src='{FILE}?jwt=abc&amp;w=3'>",
        f"![x]({FILE}?jwt=abc&w=3) more",
        f"{FILE} first, then {FILE}?w=3 and {FILE}?jwt=abc&w=3",
    ],
)
def test_the_signature_is_found_in_the_record(text: str) -> None:
    """However deep it lies, in HTML, Markdown or plain."""
    payload = json.dumps({"posts": [{"id": 1, "raw": text}]}).encode()
    assert signed(payload, f"{FILE}?w=3") == f"{FILE}?jwt=abc&w=3"


@pytest.mark.parametrize("text", ["nothing", f"{FILE}?w=3", f"{FILE}?jwt=a", f"{FILE}9?jwt=a&w=3"])
def test_without_a_signature_the_address_is_its_own(text: str) -> None:
    """Another file's signature is no help."""
    assert signed(json.dumps([text]).encode(), f"{FILE}?w=3") == f"{FILE}?w=3"
    assert signed(b"\xff no JSON", FILE) == FILE


@pytest.mark.parametrize(
    "filler",
    [
        "Image", "image", "enter image description here", "IMG_20260102.jpg", "screenshot", "Screenshot 2026-01-02",
        "image|690x400", "pasted image 0", "Photo 3", "foo bar.png", "3f2a91c07d", "image (2)", "",
    ],
)  # fmt: skip
def test_fillers_say_nothing(filler: str) -> None:
    """What an editor or a phone writes is no description."""
    assert description(filler.replace("|", " ")) == ""


@pytest.mark.parametrize(
    "text", ["The menu", "facade", "Image of the hub", "decade", "Photo of room 3", "Log &amp; error 0x80070005"]
)
def test_words_say_something(text: str) -> None:
    """Escapes and marks are read."""
    assert description(f"<em>{text}</em>") == text.replace("&amp;", "&")


def test_addresses_are_told_apart() -> None:
    """By the end of their path."""
    assert [is_image_address(one) for one in (FILE, f"{FILE}?x=1", "https://x.example/png", "http://[bad")] == [
        True, True, False, False,
    ]  # fmt: skip
