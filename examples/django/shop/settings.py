"""The settings of the project; those of Headrace are the last ones."""

import os
from pathlib import Path

SECRET_KEY = "only-an-example"
ALLOWED_HOSTS = ["127.0.0.1", "testserver"]
ROOT_URLCONF = "shop.urls"
ASGI_APPLICATION = "shop.asgi.application"
INSTALLED_APPS = ["headrace.contrib.django", "orders"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("SHOP_DB", Path(__file__).parents[1] / "shop.sqlite3"),
        "OPTIONS": {"transaction_mode": "IMMEDIATE"},  # writers wait for each other instead of failing
        "CONN_MAX_AGE": 60,
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True

# URL and TOKEN come from HEADRACE_URL and HEADRACE_TOKEN where they are not given.
HEADRACE = {"TASK_DEFAULT_QUEUE": "shop", "RESULT_EXPIRES": 600}
