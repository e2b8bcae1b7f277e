"""What Django calls when the project is loaded: find the tasks of all installed apps."""

from django.apps import AppConfig, apps


class HeadraceConfig(AppConfig):
    """Headrace as an app of a Django project."""

    name = "headrace.contrib.django"
    label = "headrace"
    verbose_name = "Headrace"

    def ready(self) -> None:
        """Import the module `tasks` of every installed app that has one: models are loaded by now."""
        from headrace.contrib.django.instance import app

        app.autodiscover_tasks([config.name for config in apps.get_app_configs()], force=True)
