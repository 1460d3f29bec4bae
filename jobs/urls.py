"""The addresses of the pages."""

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LogoutView
from django.templatetags.static import static
from django.urls import path
from django.views.generic import RedirectView

from jobs.views import account, job, listing, login, steering, submitting

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="jobs"), name="home"),
    path("favicon.ico", login_not_required(RedirectView.as_view(url=static("jobsite/icon.svg")))),
    path("login/", login.login, name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("jobs/", listing.jobs, name="jobs"),
    path("jobs/new/", submitting.new_job, name="new-job"),
    path("jobs/<int:pk>/", job.job, name="job"),
    path("jobs/<int:pk>/output/", job.job_output, name="job-output"),
    path("jobs/<int:pk>/download/", job.download, name="job-download"),
    path("jobs/<int:pk>/cancel/", steering.cancel, name="job-cancel"),
    path("jobs/<int:pk>/hold/", steering.hold, name="job-hold"),
    path("jobs/<int:pk>/release/", steering.release, name="job-release"),
    path("jobs/<int:pk>/rerun/", submitting.rerun, name="job-rerun"),
    path("account/", account.account, name="account"),
    path("account/password/", account.PasswordView.as_view(), name="password"),
    path("account/tokens/<int:pk>/revoke/", account.revoke_token, name="revoke-token"),
]
