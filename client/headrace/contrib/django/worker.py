"""The project as `headrace worker` loads it: `headrace worker headrace.contrib.django.worker:app`.

It needs DJANGO_SETTINGS_MODULE; `manage.py headrace_worker` sees to it.
"""

import django

django.setup()

from headrace.contrib.django.instance import app  # noqa: E402 - the settings can be read only now

__all__ = ["app"]
