"""Django settings; names, defaults and environment variables are those of CVAT (cvat/settings/base.py upstream)."""

import os
import secrets
from pathlib import Path

BASE_DIR = Path(os.environ.get("CVAT_BASE_DIR", "/home/django"))
SHARE_ROOT = BASE_DIR / "share"
DATA_ROOT = BASE_DIR / "data"
KEYS_ROOT = BASE_DIR / "keys"
EXPORT_CACHE_ROOT = DATA_ROOT / "cache/export"


def _secret_key() -> str:
    """The key of volume cvat_keys, made once; whoever loses the race reads the winner's."""
    path = KEYS_ROOT / "secret_key.py"
    if not path.exists():
        draft = KEYS_ROOT / f".secret_key.{os.getpid()}"
        draft.write_text(f"SECRET_KEY = '{secrets.token_urlsafe(50)}'\n")
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().split("'")[1]


SECRET_KEY = _secret_key()
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "localhost,127.0.0.1").split(",")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SERVERLESS = os.environ.get("CVAT_SERVERLESS", "").lower() in ("1", "true", "yes")
ROOT_URLCONF = "cvat.urls"
USE_TZ = True
TIME_ZONE = "Etc/UTC"
STATIC_URL = "/static/"
APPEND_SLASH = False
DATA_UPLOAD_MAX_MEMORY_SIZE = 100 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = None
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "rest_framework",
    "rest_framework.authtoken",
    "django_rq",
    "cvat.engine",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "cvat.engine.health.LoginNeedsDiskSpace",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}Validator"}
    for name in ("UserAttributeSimilarity", "MinimumLength", "CommonPassword", "NumericPassword")
]

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": os.environ.get("CVAT_POSTGRES_HOST", "cvat_db"),
        "PORT": os.environ.get("CVAT_POSTGRES_PORT", "5432"),
        "NAME": os.environ.get("CVAT_POSTGRES_DBNAME", "cvat"),
        "USER": os.environ.get("CVAT_POSTGRES_USER", "root"),
        "PASSWORD": os.environ.get("CVAT_POSTGRES_PASSWORD", ""),
        "CONN_HEALTH_CHECKS": True,
        "CONN_MAX_AGE": 60,
        "OPTIONS": {"connect_timeout": 10},
    }
}
_inmem = (os.environ.get("CVAT_REDIS_INMEM_HOST", "cvat_redis_inmem"), os.environ.get("CVAT_REDIS_INMEM_PORT", "6379"))
_ondisk = (
    os.environ.get("CVAT_REDIS_ONDISK_HOST", "cvat_redis_ondisk"),
    os.environ.get("CVAT_REDIS_ONDISK_PORT", "6666"),
)
CACHES = {
    name: {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": f"redis://{host}:{port}", "TIMEOUT": t}
    for name, (host, port), t in (("default", _inmem, 300), ("media", _ondisk, 86400))
}
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
QUEUES = ("import", "export", "annotation", "webhooks", "notifications", "quality_reports", "cleaning", "chunks")
RQ_QUEUES = {
    name: {"HOST": _inmem[0], "PORT": int(_inmem[1]), "DB": 0, "DEFAULT_TIMEOUT": "4h"}
    for name in (*QUEUES, "consensus")
}

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["cvat.engine.api.CvatRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser", "rest_framework.parsers.MultiPartParser"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
        "rest_framework.authentication.BasicAuthentication",
    ],
    "DEFAULT_PAGINATION_CLASS": "cvat.engine.api.CvatPagination",
    "URL_FORMAT_OVERRIDE": None,
}

# boto3, webhooks and remote URLs leave through smokescreen (facts: CVAT's documentation, "SSRF protection").
PROXIES_FOR_UNTRUSTED_URLS = {"http": "http://127.0.0.1:4750", "https": "http://127.0.0.1:4750"}
OPA_URL = os.environ.get("IAM_OPA_HOST", "http://opa:8181")
HEALTH_DISK_USAGE_MAX = float(os.environ.get("CVAT_HEALTH_DISK_USAGE_MAX", "90"))

NUCLIO_URL = "{}://{}:{}".format(
    os.environ.get("CVAT_NUCLIO_SCHEME", "http"),
    os.environ.get("CVAT_NUCLIO_HOST", "nuclio"),
    os.environ.get("CVAT_NUCLIO_PORT", "8070"),
)
NUCLIO_NAMESPACE = os.environ.get("CVAT_NUCLIO_FUNCTION_NAMESPACE", "nuclio")
NUCLIO_TIMEOUT = int(os.environ.get("CVAT_NUCLIO_DEFAULT_TIMEOUT", "120"))
NUCLIO_INVOKE_METHOD = os.environ.get("CVAT_NUCLIO_INVOKE_METHOD", "direct")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "[%(asctime)s] %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": os.environ.get("DJANGO_LOG_LEVEL", "INFO")},
}
