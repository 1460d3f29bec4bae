"""The ASGI application that uvicorn serves."""

import os

from django.core.asgi import get_asgi_application

from jobsite.seclusion import seclude

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jobsite.settings")

seclude()

application = get_asgi_application()
