"""The app of a Django project, made of its settings when it is first used."""

from typing import Any, Final

from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

from headrace.app import App
from headrace.conf import Settings
from headrace.contrib.django import connections, reading

_DEFAULTS: Final = Settings()


class ProjectApp(App):
    """An app that has the project's settings, and whose tasks leave no connection to a database behind."""

    def __init__(self) -> None:
        super().__init__()
        self._taken: frozenset[str] = frozenset()
        self.take_settings()
        self.middleware(connections.around_functions)
        self.middleware(connections.around_coroutines)

    def take_settings(self) -> None:
        """Take the settings of the project as they are now; those that are gone get their defaults again."""
        settings = reading.project_settings()
        gone = {name: getattr(_DEFAULTS, name) for name in self._taken - settings.keys()}
        try:
            self.conf.update({**gone, **settings})
        except (AttributeError, TypeError, ValueError) as error:
            raise ImproperlyConfigured(f"{reading.NAME}: {error}") from None
        self._taken = frozenset(settings)


def follow(*, setting: str, **_: Any) -> None:
    """Take over what a test overrides."""
    if reading.is_ours(setting):
        app.take_settings()


app = ProjectApp()
setting_changed.connect(follow)
