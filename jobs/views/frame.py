"""What every page may print around its own content. Nothing is read before it is printed."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from jobs.models import Cluster


def frame(request: HttpRequest) -> dict[str, Any]:
    """For the bar at the top, and the moment of which relative times speak."""
    return {
        "cluster": SimpleLazyObject(Cluster.read),
        "flower_url": settings.FLOWER_URL,
        "now": timezone.now(),
    }
