"""A person's own account: their API tokens and their password."""

from django.contrib import messages
from django.contrib.auth.views import PasswordChangeView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from jobs.forms import TokenForm
from jobs.models import ApiToken
from jobs.views.finding import person


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def account(request: HttpRequest) -> HttpResponse:
    """My tokens; a new one is shown in the answer that makes it, and never again."""
    form = TokenForm(request.POST if request.method == "POST" else None)
    made = name = ""
    if request.method == "POST" and form.is_valid():
        name = form.cleaned_data["name"]
        made = ApiToken.objects.issue(person(request), name)
        form = TokenForm()
    context = {
        "form": form,
        "made": made,
        "made_name": name,
        "tokens": ApiToken.objects.filter(user=person(request)),
        "api_url": request.build_absolute_uri("/api/v1/jobs/"),
    }
    return render(request, "account/account.html", context, status=400 if form.errors else 200)


@require_POST
def revoke_token(request: HttpRequest, pk: int) -> HttpResponse:
    """What uses it is logged out at once."""
    token = get_object_or_404(ApiToken.objects.filter(user=person(request)), pk=pk)
    token.delete()
    messages.success(request, f"The token {token.name!r} is revoked.")
    return redirect("account")


class PasswordView(PasswordChangeView):
    """A new password, for those who know the old one. Other sessions of the account are logged out."""

    template_name = "account/password.html"
    success_url = reverse_lazy("account")

    def form_valid(self, form: object) -> HttpResponse:
        """Say that it worked."""
        messages.success(self.request, "Your password is changed. Other browsers are logged out.")
        return super().form_valid(form)  # type: ignore[arg-type]
