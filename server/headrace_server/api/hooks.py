"""What is said about webhooks <-> what the engine keeps of them; it must not know requests."""

from collections.abc import Sequence

from msgspec import UNSET

from headrace_server.api import shapes
from headrace_server.api.build import or_none, policy
from headrace_server.api.problems import Fault, invalid
from headrace_server.api.render import given, instant, maybe_instant
from headrace_server.api.reports import RetryDocument
from headrace_server.api.webhook_documents import WebhookDocument
from headrace_server.domain.addresses import Network, fault_of_url
from headrace_server.domain.jobs import QueueStats
from headrace_server.domain.limits import HOUR_MS, SECOND_MS
from headrace_server.domain.retry import Backoff, RetryPolicy
from headrace_server.domain.webhooks import ENDS, MAX_SECRET_BYTES, MIN_SECRET_BYTES, Webhook, WebhookView, key_of

# A receiver that is down for a night is told in the morning: 12 attempts within 20 to 40 hours.
PATIENT = RetryPolicy(
    max_attempts=12, backoff=Backoff.EXPONENTIAL, initial_ms=5 * SECOND_MS, factor=4.0, max_ms=6 * HOUR_MS, jitter=True
)


def webhook(asked: shapes.WebhookInput, networks: Sequence[Network]) -> Webhook:
    """Return what is to be kept. Raises Problem for a URL that nothing can be sent to."""
    fault = fault_of_url(asked.url, networks)
    if fault is not None:
        raise invalid([Fault("/url", fault)])
    return Webhook(
        url=asked.url,
        events=ENDS if asked.events is UNSET else tuple(asked.events),
        queues=tuple(or_none(asked.queues) or ()),
        tasks=tuple(or_none(asked.tasks) or ()),
        timeout_ms=asked.timeout_ms,
        concurrency=asked.concurrency,
        max_waiting=asked.max_waiting,
        retry=_patient(RetryPolicy() if asked.retry is UNSET else policy(asked.retry)),
        description=or_none(asked.description),
    )


def secret(text: str | None) -> str | None:
    """Return a secret that somebody brought. Raises Problem for one that cannot sign."""
    if text is not None and key_of(text) is None:
        size = f"{MIN_SECRET_BYTES} to {MAX_SECRET_BYTES} bytes"
        raise invalid([Fault("/secret", f"must be `whsec_` and the Base64 of {size}")])
    return text


def document(view: WebhookView, stats: QueueStats, *, with_secret: bool = False) -> WebhookDocument:
    """Return a webhook as its reader sees it."""
    spec, old_until_ms = view.webhook, view.old_until_ms
    return WebhookDocument(
        name=view.name,
        state=view.state.value,
        paused_reason=UNSET if view.paused is None else view.paused.value,
        url=spec.url,
        events=[event.value for event in spec.events],
        queues=list(spec.queues) or UNSET,
        tasks=list(spec.tasks) or UNSET,
        timeout_ms=spec.timeout_ms,
        concurrency=spec.concurrency,
        max_waiting=spec.max_waiting,
        retry=_retry(spec.retry),
        description=given(spec.description),
        secret=view.secret if with_secret else UNSET,
        old_secret_until=maybe_instant(old_until_ms if old_until_ms and old_until_ms > view.now_ms else None),
        queue=view.queue,
        counts={state.value: count for state, count in stats.counts.items()},
        missed=view.missed,
        created_at=instant(view.created_at_ms),
        updated_at=instant(view.updated_at_ms),
        server_time=instant(view.now_ms),
    )


def _patient(wishes: RetryPolicy) -> RetryPolicy:
    """Return a policy with PATIENT's fields where it has no own ones."""
    names = RetryPolicy.__struct_fields__
    own = {name: value for name in names if (value := getattr(wishes, name)) is not None}
    return RetryPolicy(**{name: getattr(PATIENT, name) for name in names} | own)


def _retry(policy: RetryPolicy) -> RetryDocument:
    shown = {name: value for name in policy.__struct_fields__ if (value := getattr(policy, name)) is not None}
    return RetryDocument(**shown)
