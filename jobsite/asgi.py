"""The ASGI application that uvicorn serves."""

import os
from typing import Any

from django.conf import settings
from django.core.asgi import get_asgi_application

from jobsite.seclusion import seclude

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jobsite.settings")

seclude()

# A request has a thread of its own, and to begin a session for each costs PostgreSQL more than to answer it.
# The web alone shares them: other processes have few threads, which keep theirs and notice an outage at once.
databases: dict[str, Any] = settings.DATABASES
databases["default"]["OPTIONS"] |= {
    "application_name": "jobsite web",
    "pool": {"min_size": 1, "max_size": 20, "timeout": 5, "reconnect_timeout": 1},
}

application = get_asgi_application()
