"""The pages' addresses."""

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path


def not_yet(request: HttpRequest, **_: object) -> HttpResponse:
    """A page that is being built."""
    raise Http404(request.path)


urlpatterns = [
    path("", not_yet, name="jobs"),
    path("login/", not_yet, name="login"),
    path("jobs/<int:pk>/", not_yet, name="job"),
]
