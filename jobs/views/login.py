"""The one door: user name and password, or a link that works once.

A link is redeemed by POST alone, because mail programs and chats open the addresses that they see.
"""

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth import login as log_in
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from jobs.models import LoginAttempt, LoginLink

if TYPE_CHECKING:
    from django.contrib.auth.models import User

TOO_MANY = "Too many failed logins for this user name. Wait a minute, then try again."
SPENT = "This link has been used, or is older than 15 minutes. Log in with your password instead."


@sensitive_post_parameters("password", "t")
@never_cache
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def login(request: HttpRequest) -> HttpResponse:
    """Log in."""
    if request.method == "POST":
        return _redeem(request) if "t" in request.POST else _with_password(request)
    if link := request.GET.get("t"):
        return render(request, "account/login_link.html", {"link": link, "next": _wanted(request)})
    return redirect(_target(request)) if request.user.is_authenticated else _form(request)


def _with_password(request: HttpRequest) -> HttpResponse:
    name, address = request.POST.get("username", ""), request.META.get("REMOTE_ADDR", "")
    if not LoginAttempt.objects.begin(name, address):
        answer = _form(request, error=TOO_MANY, status=429)
        answer.headers["Retry-After"] = "60"
        return answer
    form = AuthenticationForm(request, request.POST)
    if not form.is_valid():
        return _form(request, error="This user name and password do not belong together.", status=400)
    LoginAttempt.objects.forget(name, address)
    return _enter(request, form.get_user())


def _redeem(request: HttpRequest) -> HttpResponse:
    user = LoginLink.objects.redeem(request.POST["t"])
    return _enter(request, user) if user else _form(request, error=SPENT, status=400)


def _enter(request: HttpRequest, user: "User") -> HttpResponse:
    """Begin a session of its own: its key is new, whatever the browser brought."""
    log_in(request, user)
    return redirect(_target(request))


def _form(request: HttpRequest, *, error: str = "", status: int = 200) -> HttpResponse:
    typed = request.POST.get("username", "")
    context = {"error": error, "username": typed, "next": _wanted(request)}
    return render(request, "account/login.html", context, status=status)


def _wanted(request: HttpRequest) -> str:
    """Where the person was going, when that is a page of ours; else empty."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if ours else ""


def _target(request: HttpRequest) -> str:
    return _wanted(request) or resolve_url(settings.LOGIN_REDIRECT_URL)
