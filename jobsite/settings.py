"""Django's and Celery's settings. What differs between machines comes from jobsite.environment.

The Celery choices are deliberate. Messages are acknowledged early and never prefetched, because a late
acknowledgement runs a job twice at each broken connection; there is no result backend, because the row is the
result; no message expires, because a worker then drops the next one with the same id.
"""

import sys
from datetime import timedelta
from os import environ
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from kombu import Exchange, Queue

from jobs.reach import bounded
from jobsite.api_settings import REST_FRAMEWORK, SPECTACULAR_SETTINGS
from jobsite.environment import Environment, OddSetting

__all__ = ["REST_FRAMEWORK", "SPECTACULAR_SETTINGS"]

try:
    ENVIRONMENT = Environment.read(environ)
except OddSetting as odd:
    raise ImproperlyConfigured(str(odd)) from odd

BASE_DIR = Path(__file__).resolve().parent.parent

# --- the platform ---
JOBSITE_VAR = ENVIRONMENT.var
NODE_NAME = ENVIRONMENT.node_name
NODE_CPUS = ENVIRONMENT.cpus
NODE_MEMORY_MB = ENVIRONMENT.memory_mb
NODE_GPUS = ENVIRONMENT.gpus
CGROUPS = ENVIRONMENT.cgroups == "auto"
SPOOL = JOBSITE_VAR / "spool" / NODE_NAME
SCRATCH = JOBSITE_VAR / "scratch"
FLOWER_URL = f"http://127.0.0.1:{ENVIRONMENT.flower_port}/"  # on loopback, wherever the web listens
LISTEN_DATABASE_URL = ENVIRONMENT.listen_database_url


def _scaled(seconds: float) -> timedelta:
    """A time of the protocol. Tests shorten all of them by one factor, so that their ratios hold."""
    return timedelta(seconds=seconds * ENVIRONMENT.time_scale)


HEARTBEAT = _scaled(5)
NODE_LEASE = _scaled(30)
BROKER_DEAF_AFTER = _scaled(15)
SWEEP_INTERVAL = _scaled(10)
RECOVER_INTERVAL = _scaled(30)
DISPATCH_GRACE = _scaled(10)
STALE_GRACE = _scaled(10)
SCHEDULER_LEASE = _scaled(6)
SCHEDULER_RENEWAL = _scaled(2)
SCHEDULER_TICK = timedelta(seconds=1)
LIMIT_GRACE = _scaled(10)
"""How long past its limit a wrapper has to do its duty before recovery looks."""
UNSTARTED_LIMIT = 20
"""An attempt that never ran is tried again; a job whose attempts never run this often is given up."""
LAUNCH_PATIENCE = timedelta(seconds=60)
LOCK_PATIENCE = timedelta(seconds=5)
"""How long one statement waits for a lock that somebody else holds in the database."""
IDLE_PATIENCE = timedelta(seconds=30)
"""How long a session may ask nothing in the middle of a transaction, before the database ends it."""
FENCE_AFTER = _scaled(45)
"""The wrapper of a job that may be requeued kills its tree when its agent last renewed so long ago."""
REQUEUE_AFTER = _scaled(90)
"""How long a node's lease must have been over before its jobs that may be requeued are (T20)."""
DEAF_PATIENCE = _scaled(60)
"""A worker that hears nothing for so long while it is owed work starts itself again."""
SPOOL_RETENTION = ENVIRONMENT.spool_retention
"""How long what an ended job left is kept on its node: its output, too. None of these: for ever."""
JOB_RETENTION = ENVIRONMENT.job_retention
"""How long an ended job is kept in the database, with its events."""
LEDGER_RETENTION = ENVIRONMENT.ledger_retention
NODE_EVENT_RETENTION = ENVIRONMENT.node_event_retention
RECOVERY_ALERT_JOBS = ENVIRONMENT.recovery_alert
"""More recovered jobs than this within the window raise an alert."""
RECOVERY_ALERT_WINDOW = timedelta(hours=1)
SPOOL_RESERVE_MB = 64
"""A node whose spool has less than this free takes no more jobs."""

# --- Django ---
SECRET_KEY = ENVIRONMENT.secret_key
DEBUG = ENVIRONMENT.debug
ALLOWED_HOSTS = list(ENVIRONMENT.allowed_hosts)
CSRF_TRUSTED_ORIGINS = list(ENVIRONMENT.trusted_origins)
ROOT_URLCONF = "jobsite.urls"
ASGI_APPLICATION = "jobsite.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

INSTALLED_APPS = [
    "jobs.apps.JobsConfig",
    "scheduler.apps.SchedulerConfig",
    "recovery.apps.RecoveryConfig",
    "jobsite.apps.JobsiteAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_celery_beat",
    "django_filters",
    "rest_framework",
    "drf_spectacular",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "jobsite.headers.security_headers",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "jobs.views.frame.frame",
            ],
        },
    },
]

_DATABASE = bounded(ENVIRONMENT.database_url)
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _DATABASE.pop("dbname", "jobsite"),
        "USER": _DATABASE.pop("user", ""),
        "PASSWORD": _DATABASE.pop("password", ""),
        "HOST": _DATABASE.pop("host", ""),
        "PORT": _DATABASE.pop("port", ""),
        "CONN_HEALTH_CHECKS": True,
        # Under ASGI each request has a thread of its own, so a connection that is kept is a connection lost.
        "CONN_MAX_AGE": 0,
        # A server-side cursor lives in one session; a pooler may give the next FETCH another.
        "DISABLE_SERVER_SIDE_CURSORS": True,
        "OPTIONS": _DATABASE,
    },
}

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "jobs"
LOGOUT_REDIRECT_URL = "login"
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
# Cookies do not know ports: two platforms on one machine must not log each other out.
SESSION_COOKIE_NAME = f"jobsite_session_{ENVIRONMENT.port}"
CSRF_FAILURE_VIEW = "jobs.views.refusals.form_expired"
CSRF_COOKIE_NAME = f"jobsite_csrf_{ENVIRONMENT.port}"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = ENVIRONMENT.https_only
SESSION_COOKIE_SAMESITE = "Lax"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "templates" / "static"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "stream": sys.stderr}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {"django.request": {"level": "ERROR"}, "kombu": {"level": "WARNING"}},
}

# --- Celery ---
NODE_QUEUE = Queue(f"node.{NODE_NAME}", Exchange(f"node.{NODE_NAME}"), routing_key=f"node.{NODE_NAME}")
CONTROL_QUEUE = Queue("control", Exchange("control"), routing_key="control")

CELERY_BROKER_URL = ENVIRONMENT.redis_url
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_RESULT_EXPIRES = None
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_REJECT_ON_WORKER_LOST = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_DISABLE_PREFETCH = True
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_WORKER_DEDUPLICATE_SUCCESSFUL_TASKS = False
CELERY_WORKER_POOL = "threads"
CELERY_WORKER_CONCURRENCY = NODE_CPUS + 8
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_CHANNEL_ERROR_RETRY = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_timeout": 5,
    "socket_connect_timeout": 3,
    "socket_keepalive": True,
    "health_check_interval": 15,
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.2,
    "interval_max": 0.2,
    "visibility_timeout": 300,
}
CELERY_TASK_DEFAULT_QUEUE = "control"
CELERY_TASK_QUEUES = (NODE_QUEUE, CONTROL_QUEUE)
CELERY_TASK_CREATE_MISSING_QUEUES = False
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_SEND_TASK_EVENTS = True
CELERY_TASK_SEND_SENT_EVENT = False
CELERY_TASK_TRACK_STARTED = True
CELERY_TIMEZONE = "UTC"
CELERY_ENABLE_UTC = True
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BEAT_SYNC_EVERY = 1
CELERY_BEAT_MAX_LOOP_INTERVAL = 5
CELERY_BEAT_SCHEDULE = {
    "recovery": {
        "task": "recovery.tasks.recover",
        "schedule": RECOVER_INTERVAL.total_seconds(),
        "options": {"queue": "control", "expire_seconds": max(RECOVER_INTERVAL.total_seconds() - 1, 1)},
    },
}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_REDIRECT_STDOUTS = False
