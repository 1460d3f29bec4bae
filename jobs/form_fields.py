"""The kinds of fields that the form for a new job is made of."""

from typing import Any

from django import forms


class PlainField(forms.CharField):
    """Any text, unchanged: jobs.spec says what is wrong with it, better than a general validator."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, strip=False, **options)
        self.validators = []


def number() -> forms.TextInput:
    """A line for a whole number."""
    return forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"})


def one_line(example: str = "") -> forms.TextInput:
    """A line of text."""
    return forms.TextInput(
        attrs={"autocomplete": "off", "spellcheck": "false"} | ({"placeholder": example} if example else {})
    )


def many_lines(rows: int, example: str) -> forms.Textarea:
    """Several lines of text."""
    return forms.Textarea(
        attrs={"rows": rows, "class": "code", "spellcheck": "false", "placeholder": example}
    )
