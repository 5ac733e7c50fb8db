"""Django settings, read from the environment and the file ``.env`` beside ``manage.py``.

``docs/settings.md`` documents every variable. Production is the default mode; it refuses to start with
unsafe values (see ``crm.safety``).
"""

from pathlib import Path
from urllib.parse import quote

import environ
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from crm.safety import require_safe
from crm.structured_logging import logging_config

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"

env = environ.Env()
env.read_env(env.path("ENV_FILE", default=BASE_DIR / ".env"))

MODE = env.str("MUSTER_MODE", default="production")
PRODUCTION = MODE != "development"
DEVELOPMENT_KEY = "development only: this key is known to everybody, so nothing is safe behind it"

DEBUG = env.bool("DEBUG", default=not PRODUCTION)
SECRET_KEY = env.str("SECRET_KEY", default="" if PRODUCTION else DEVELOPMENT_KEY)
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[] if PRODUCTION else ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "crm",
    "contacts",
    "segments",
    "campaigns",
    "workflows",
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "unfold.contrib.import_export",
    "crm.apps.MusterAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "csp",
    "django_filters",
    "django_htmx",
    "django_q",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "import_export",
    "lucide",
    "rest_framework",
]

MIDDLEWARE = [
    "crm.structured_logging.RequestLogMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "crm.urls"
WSGI_APPLICATION = "crm.wsgi.application"
ASGI_APPLICATION = "crm.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

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
                "crm.context.shell",
            ],
        },
    },
]

# Database

VAR_DIR.mkdir(exist_ok=True)

DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{quote(str(VAR_DIR / 'muster.sqlite3'))}")}
_database = DATABASES["default"]
SQLITE = _database["ENGINE"] == "django.db.backends.sqlite3"
if SQLITE:
    if _database["NAME"] != ":memory:":
        _database["NAME"] = str(BASE_DIR / _database["NAME"])
    _database["OPTIONS"] = {
        # A transaction takes the write lock when it begins, and waits for it: a lock taken halfway cannot wait.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        # Refreshes keep their matches in temporary tables: in a file, so that memory does not grow with the contacts.
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON; "
            "PRAGMA cache_size=-65536; PRAGMA temp_store=FILE; PRAGMA journal_size_limit=67108864;"
        ),
    }
else:
    _database["CONN_MAX_AGE"] = env.int("DATABASE_CONN_MAX_AGE", default=60)
    _database["CONN_HEALTH_CHECKS"] = True

# Cache: shared by the web and the worker processes, because it carries the workers' signs of life.

REDIS_URL = env.str("REDIS_URL", default="")
if REDIS_URL:
    _cache = REDIS_URL
elif SQLITE:
    _cache = f"filecache://{_database['NAME']}-cache"
else:
    _cache = "dbcache://muster_cache"
CACHES = {
    "default": env.cache_url("CACHE_URL", default=_cache),
    # The memory of one process, for what is asked at every visit of the shop's pages.
    "local": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 50_000}},
}

# People

AUTH_USER_MODEL = "crm.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "dashboard"
LOGOUT_REDIRECT_URL = "login"

# Language and time

USE_I18N = True
USE_TZ = True
LANGUAGE_CODE = env.str("LANGUAGE_CODE", default="en")
LANGUAGES = [("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["crm.formats"]
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
PHONE_REGION = env.str("PHONE_REGION", default="")

# Files

FILES_DIR = BASE_DIR / env.str("FILES_DIR", default=str(VAR_DIR / "files"))
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    # Private: no address leads here. Web and worker processes share the folder.
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {
            "location": FILES_DIR,
            "base_url": None,
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        },
    },
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = not PRODUCTION
WHITENOISE_AUTOREFRESH = not PRODUCTION

# Where Muster is reached from outside: the addresses in emails and in the script of the shop's site begin with it.

_first_host = f"https://{ALLOWED_HOSTS[0].lstrip('.')}" if ALLOWED_HOSTS else ""
PUBLIC_URL = env.str("PUBLIC_URL", default=_first_host if PRODUCTION else "http://127.0.0.1:8000").rstrip("/")

# The shop's site: who may send what visitors do, and the key by which the shop's server says who a visitor is

SHOP_ORIGINS = [origin.rstrip("/") for origin in env.list("SHOP_ORIGINS", default=[])]
TRACKING_KEY = env.str("TRACKING_KEY", default="")
SITE_REQUESTS_PER_MINUTE = env.int("SITE_REQUESTS_PER_MINUTE", default=120)

# Email

vars().update(env.email_url("EMAIL_URL", default="smtp://localhost:25" if PRODUCTION else "consolemail://"))
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="muster@localhost")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

EMAIL_TIMEOUT = env.int("EMAIL_TIMEOUT", default=60)
MAIL_PER_HOUR = env.int("MAIL_PER_HOUR", default=0)
MAIL_PER_CONTACT_PER_DAY = env.int("MAIL_PER_CONTACT_PER_DAY", default=0)
BOUNCE_ADDRESS = env.str("BOUNCE_ADDRESS", default="")

# Webhooks of workflows

WEBHOOK_SECRET = env.str("WEBHOOK_SECRET", default="")
WEBHOOK_ALLOW_PRIVATE = env.bool("WEBHOOK_ALLOW_PRIVATE", default=False)

# What workflows leave behind

WORKFLOW_HISTORY_DAYS = max(1, env.int("WORKFLOW_HISTORY_DAYS", default=400))

# Background work

Q_CLUSTER = {
    "name": "muster",
    "label": _("Background work"),
    "workers": env.int("MUSTER_WORKERS", default=3),
    # For short tasks. Jobs have no limit (see crm.jobs): a task of theirs that is handed out again after "retry"
    # finds the job taken and ends at once.
    "timeout": 600,
    "retry": 660,
    "max_attempts": 3,
    "ack_failures": True,
    "catch_up": False,
    "save_limit": 500,
    "queue_limit": 20,
    "poll": 0.5,
    "guard_cycle": 1,
    **({"redis": REDIS_URL} if REDIS_URL else {"orm": "default", "broker_class": "crm.broker.DatabaseBroker"}),
}

# The preview of segments

PREVIEW_EXACT_UP_TO = env.int("PREVIEW_EXACT_UP_TO", default=20_000)
PREVIEW_SAMPLE = max(100, env.int("PREVIEW_SAMPLE", default=2_000))
PREVIEW_SECONDS = env.int("PREVIEW_SECONDS", default=30)

# Imports

IMPORT_MAX_MEGABYTES = env.int("IMPORT_MAX_MEGABYTES", default=200)
IMPORT_BATCH = env.int("IMPORT_BATCH", default=5_000)
IMPORT_FILES_DAYS = env.int("IMPORT_FILES_DAYS", default=30)
ADMIN_FILE_ROWS = env.int("ADMIN_FILE_ROWS", default=5_000)

# Exports

EXPORT_KEEP_DAYS = max(1, env.int("EXPORT_KEEP_DAYS", default=7))

# Facebook

FACEBOOK_GRAPH_URL = env.str("FACEBOOK_GRAPH_URL", default="https://graph.facebook.com").rstrip("/")
FACEBOOK_GRAPH_VERSION = env.str("FACEBOOK_GRAPH_VERSION", default="")

# The API

API_REQUESTS_PER_MINUTE = env.int("API_REQUESTS_PER_MINUTE", default=1200)
REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "crm.api.schema.ScopedSchema",
    "EXCEPTION_HANDLER": "crm.api.errors.answer",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
    # A message may repeat what was sent, and half a surrogate pair cannot be sent back in UTF-8.
    "UNICODE_JSON": False,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Muster",
    "DESCRIPTION": "Contacts, what they do, lists and segments.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "crm.api.schema.complete"],
    "ENUM_NAME_OVERRIDES": {
        "SegmentKind": "segments.models.Segment.Kind",
        "DefinedSegmentKind": ["dynamic", "dynamic_plus"],
        "TransitionKind": "segments.models.Transition.Kind",
    },
    "GET_LIB_DOC_EXCLUDES": "crm.api.schema.without_description",
    "AUTHENTICATION_WHITELIST": [],
    "APPEND_COMPONENTS": {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
    "SECURITY": [{"key": []}],
}

# The administrators' site, in the colours of our own pages

UNFOLD = {
    "SITE_TITLE": _("Muster administration"),
    "SITE_HEADER": "Muster",
    "SITE_SUBHEADER": _("Administration"),
    "SITE_URL": "/",
    "SITE_ICON": "crm.admin_theme.icon",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "crm.admin_theme.icon"}],
    "THEME": "crm.admin_theme.theme",
    "COLORS": {
        "primary": {
            "50": "#eef2ff",
            "100": "#e0e7ff",
            "200": "#c7d2fe",
            "300": "#a5b4fc",
            "400": "#968fff",
            "500": "#8078ff",
            "600": "#4f46e5",
            "700": "#4338ca",
            "800": "#3730a3",
            "900": "#312e81",
            "950": "#1e1b4b",
        }
    },
    "SIDEBAR": {"show_search": True, "navigation": "crm.admin_theme.navigation"},
}

# Safety of the pages

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
# A segment of 250 conditions is one form.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = env.int("SESSION_COOKIE_AGE", default=60 * 60 * 24 * 14)
HTTPS = env.bool("HTTPS", default=PRODUCTION)
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=60 * 60 * 24 * 365) if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
if env.bool("BEHIND_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# Logs

LOGGING_CONFIG = "logging.config.dictConfig"
LOGGING = logging_config(
    level=env.str("LOG_LEVEL", default="INFO"),
    style=env.str("LOG_FORMAT", default="json" if PRODUCTION else "console"),
)

require_safe(
    mode=MODE,
    debug=DEBUG,
    secret_key=SECRET_KEY,
    allowed_hosts=ALLOWED_HOSTS,
    csrf_trusted_origins=CSRF_TRUSTED_ORIGINS,
    https=HTTPS,
    time_zone=TIME_ZONE,
    database_engine=_database["ENGINE"],
)
