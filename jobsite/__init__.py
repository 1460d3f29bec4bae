"""The wiring: settings, environment, Celery, URLs, embedded servers. It knows everyone; nobody imports it."""
