"""The shop's pages; they answer at once and leave the work to the tasks."""

from django.db import transaction
from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST
from headrace.contrib.django import delay_on_commit

from orders.models import Order
from orders.tasks import charge


@csrf_exempt
@require_POST
@transaction.atomic
def create(request: HttpRequest) -> JsonResponse:
    """Take an order. Its job is sent when the order is committed, so the worker finds it."""
    order = Order.objects.create(email=request.POST["email"], cents=int(request.POST["cents"]))
    delay_on_commit(charge, order.pk)
    return JsonResponse({"number": order.pk}, status=202)


@require_GET
def show(request: HttpRequest, number: int) -> JsonResponse:
    """Tell how far an order is."""
    order = get_object_or_404(Order, pk=number)
    return JsonResponse({"number": order.pk, "state": order.state, "receipt": order.receipt})
