"""The shop's own tests, in eager mode: `python manage.py test`."""

from contextlib import suppress

from django.test import TestCase, override_settings

from orders.models import Order


@override_settings(HEADRACE_TASK_ALWAYS_EAGER=True)
class Orders(TestCase):
    """Orders, from the request to the receipt."""

    def test_an_order_is_charged_once_it_is_committed(self) -> None:
        with self.captureOnCommitCallbacks(execute=True):
            reply = self.client.post("/orders", {"email": "ada@shop.example", "cents": "1250"})
            assert Order.objects.get().state == "new"
        assert reply.status_code == 202
        shown = self.client.get(f"/orders/{reply.json()['number']}").json()
        assert (shown["state"], shown["receipt"]) == ("charged", "ada@shop.example paid 12.50")

    def test_an_order_that_is_rolled_back_is_not_charged(self) -> None:
        with self.captureOnCommitCallbacks() as callbacks, suppress(KeyError):
            self.client.post("/orders", {"email": "ada@shop.example"})
        assert callbacks == []
