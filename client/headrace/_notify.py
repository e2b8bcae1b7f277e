"""The verbs about webhooks: who is told of what happens to jobs."""

from headrace._exchange import Exchange
from headrace._read import Document, read
from headrace._steps import Reply, Steps, Stream, pages
from headrace._wire import Call, document_of, path
from headrace._write import given, written
from headrace.webhooks import Webhook, WebhookPage, WebhookPing, WebhookRecord


class Notify(Exchange):
    """The verbs of those who want to be told."""

    def put_webhook(self, name: str, webhook: Webhook) -> Steps[WebhookRecord]:
        """Make a webhook, or let it be as given from now on; the same again changes nothing.

        For a new one without a secret the server makes one up, and the answer alone holds it: a lost reply is
        OutcomeUnknown then, and not repeated; `rotate_webhook` gives another. Raises Invalid for a URL that nothing can
        be sent to, Conflict (too_many_webhooks).
        """
        body = written(webhook)
        return (yield from self._webhook("PUT", name, body=body, repeatable=webhook.secret is not None))

    def webhook(self, name: str) -> Steps[WebhookRecord]:
        """Return a webhook, and how many deliveries it has in each state. Raises NotFound."""
        return (yield from self._webhook("GET", name))

    def webhooks(self, *, after: str | None = None, limit: int | None = None) -> Steps[WebhookPage]:
        """Return one page of webhooks in order of their names; `iter_webhooks` reads all pages."""
        params = {"after": after, "limit": limit}
        request = self._dialect.request("GET", "/v1/webhooks", params=params)
        call = Call(request=request, read=lambda r: read(WebhookPage, document_of(r)), repeatable=True)
        return (yield from self._call(call))

    def iter_webhooks(self) -> Stream[WebhookRecord]:
        """Iterate over all webhooks, page by page."""
        return pages(lambda after: self.webhooks(after=after), lambda page: (page.webhooks, page.next_after))

    def delete_webhook(self, name: str) -> Steps[None]:
        """Remove a webhook and the deliveries that wait; its dead letters stay. Raises NotFound.

        A lost reply is OutcomeUnknown and not repeated, for the second answer would be NotFound.
        """
        request = self._dialect.request("DELETE", path("webhooks", name))
        return (yield from self._call(Call(request=request, read=_read_nothing, repeatable=False)))

    def pause_webhook(self, name: str) -> Steps[WebhookRecord]:
        """Let a webhook be told nothing; for what happens meanwhile it gets one `webhook.gap`. Raises NotFound."""
        return (yield from self._webhook("POST", name, "pause"))

    def resume_webhook(self, name: str) -> Steps[WebhookRecord]:
        """Let a webhook be told again, also one whose receiver answered 410. Raises NotFound."""
        return (yield from self._webhook("POST", name, "resume"))

    def rotate_webhook(self, name: str, *, secret: str | None = None) -> Steps[WebhookRecord]:
        """Let another secret sign, and for a day the old one beside it. Raises NotFound, Invalid.

        Without `secret` the server makes one up, and the answer alone holds it: a lost reply is OutcomeUnknown then.
        """
        body = given(secret=secret)
        return (yield from self._webhook("POST", name, "rotate", body=body, repeatable=secret is not None))

    def ping_webhook(self, name: str) -> Steps[WebhookPing]:
        """Send one message for a try; wait for its job to see what came of it.

        A lost reply is OutcomeUnknown and not repeated, for it would be another message. Raises NotFound, Conflict
        (webhook_paused), QueueFull.
        """
        request = self._dialect.request("POST", path("webhooks", name, "test"))
        call = Call(request=request, read=lambda r: read(WebhookPing, document_of(r)), repeatable=False)
        return (yield from self._call(call))

    def _webhook(
        self, method: str, name: str, *verb: str, body: Document | None = None, repeatable: bool = True
    ) -> Steps[WebhookRecord]:
        request = self._dialect.request(method, path("webhooks", name, *verb), body=body)
        return (yield from self._call(Call(request=request, read=_read_record, repeatable=repeatable)))


def _read_record(reply: Reply) -> WebhookRecord:
    return read(WebhookRecord, document_of(reply))


def _read_nothing(_: Reply) -> None:
    return None
