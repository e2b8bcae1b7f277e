"""What the shop does when nobody waits for it; found by its name, `tasks`."""

from headrace.contrib.django import app, delay_on_commit

from orders.models import Order


@app.task(max_retries=5, retry_backoff=True)
def charge(number: int) -> None:
    """Charge an order; running twice is no harm."""
    if Order.objects.filter(pk=number, state="new").update(state="charged"):
        delay_on_commit(write_receipt, number)


@app.task(ignore_result=True)
def write_receipt(number: int) -> None:
    """Write the receipt of an order."""
    order = Order.objects.get(pk=number)
    order.receipt = f"{order.email} paid {order.cents / 100:.2f}"
    order.save(update_fields=["receipt"])
