"""What the shop remembers."""

from django.db import models


class Order(models.Model):
    """An order, and how far it is."""

    email = models.EmailField()
    cents = models.PositiveIntegerField()
    state = models.CharField(max_length=10, default="new")  # new, charged
    receipt = models.TextField(default="")
