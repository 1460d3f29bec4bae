"""The few things that a template cannot say by itself: an icon, a moment, a bar."""

from datetime import datetime
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from jobs.presentation import moments

register = template.Library()


@register.simple_tag
def icon(name: str) -> SafeString:
    """A picture from the sprite. A word always stands beside it."""
    return format_html('<svg class="i" aria-hidden="true"><use href="#i-{}"/></svg>', name)


@register.simple_tag(takes_context=True)
def ago(context: dict[str, Any], moment: datetime) -> SafeString:
    """How long ago, with the exact moment for those who point at it and for machines."""
    return _time(moment, moments.age(moment, context["now"]))


@register.simple_tag
def clock(moment: datetime) -> SafeString:
    """The time of day, with the exact moment as well."""
    return _time(moment, moments.clock(moment))


def _time(moment: datetime, words: str) -> SafeString:
    exact = moments.exactly(moment)
    return format_html('<time datetime="{}" title="{}">{}</time>', moment.isoformat(), exact, words)


@register.simple_tag
def bar(part: int, whole: int) -> SafeString:
    """How much of the whole a part is. The numbers stand beside it."""
    percent = min(100, round(100 * part / whole)) if whole else 0
    return format_html('<svg class="bar" aria-hidden="true"><rect width="{}%"/></svg>', percent)
