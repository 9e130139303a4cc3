"""Rules of ``kbgen.model.yaml_text``: whatever is wrong with YAML has a line and a reason."""

import pytest

from kbgen.model import yaml_text


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("a: 1\nb: [", 2, "expected the node content"),
        ("a: 1\nb: 2026-13-45", 2, "'2026-13-45' is no date (month must be in 1..12)"),
        ("a: !!timestamp soon", 1, "'soon' is no date"),
        ("a: 1\nb: [1, !!bool maybe]", 2, "'maybe' is no yes or no"),
        ("a: !!int ''", 1, "'' is no number"),
        ("a: {[1]: 2}", 1, "unhashable key"),
        ("a: 1\n\nb: \x07", 3, "the character U+0007 is not allowed"),
        ("a: \ud800", 1, "the character U+D800 is not allowed"),
        ("--- 1\n--- 2", 2, "another document"),
        ("a: *nobody", 1, "undefined alias"),
        ("[" * 5000, 1, "nested too deeply"),
        ("a: 1\nb: &x [*x]", 2, "leads to what it stands in"),
        ("a: !!python/object:os.system x", 1, "could not determine a constructor"),
    ],
)
def test_a_fault_has_a_line_and_a_reason(text: str, line: int, reason: str) -> None:
    """Faults of signs, of structure and of single values, whatever the library raises for them."""
    with pytest.raises(yaml_text.YamlFault) as caught:
        yaml_text.load(text)
    assert caught.value.line == line
    assert reason in caught.value.reason


def test_aliases_that_multiply_are_refused() -> None:
    """Nine lines that stand for a billion values are not written out by whoever prints them."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(yaml_text.YamlFault, match="too many values"):
        yaml_text.load("\n".join(lines))


def test_aliases_that_people_write_are_read() -> None:
    """A value may stand in two places."""
    assert {"a": ["x"], "b": ["x"]} == yaml_text.load("a: &same [x]\nb: *same\n")


def test_an_empty_text_is_nothing() -> None:
    """No document, and one of remarks alone."""
    assert [None, None] == [yaml_text.load(""), yaml_text.load("# nothing yet\n")]
