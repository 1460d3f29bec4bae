"""The API's addresses, below /api/v1/."""

from django.urls import path, re_path
from drf_spectacular.views import SpectacularAPIView

from jobs.api import nodes, views

app_name = "api"
urlpatterns = [
    path("jobs/", views.JobsView.as_view(), name="jobs"),
    path("jobs/<int:pk>/", views.OneJobView.as_view(), name="job"),
    path("jobs/<int:pk>/cancel/", views.CancelView.as_view(), name="cancel"),
    path("jobs/<int:pk>/output/", views.OutputView.as_view(), name="output"),
    path("nodes/", nodes.NodesView.as_view(), name="nodes"),
    *(
        path(f"nodes/<str:name>/{verb}/", nodes.SteerNodeView.as_view(verb=verb), name=f"node-{verb}")
        for verb in nodes.WISHES
    ),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    re_path("", views.NothingHereView.as_view(), name="nothing"),
]
