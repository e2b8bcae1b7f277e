"""What linkwatch does in the background."""

import os

import httpx
import store
from queue_app import app


@app.task(
    autoretry_for=(httpx.TransportError,),
    retry_backoff=True,
    retry_backoff_max=600,
    max_retries=5,
    soft_time_limit=20,
    time_limit=30,
    rate_limit="100/m",  # over all workers
)
def check(url):
    """Look whether a link still leads somewhere."""
    status = httpx.get(url, follow_redirects=True).status_code
    store.remember(url, status)
    return status


@app.task
def check_all():
    """Check all links that somebody watches; every five minutes."""
    check.delay_many([(url,) for url in store.links()])


@app.task(bind=True)
def import_links(self, urls):
    """Watch many links; tells how far it is."""
    for number, url in enumerate(urls, 1):
        store.add(url)
        check.delay(url)
        self.progress({"done": number, "of": len(urls)})
    return len(urls)


@app.task(bind=True, max_retries=10, ignore_result=True)
def send_digest(self):
    """Tell the team which links are broken; every morning."""
    broken = [url for url, status in store.links().items() if status >= 400]
    reply = httpx.post(os.environ["HOOK_URL"], json={"id": self.request.id, "broken": broken})
    if reply.status_code == 429:
        raise self.retry(countdown=int(reply.headers["Retry-After"]))
    reply.raise_for_status()
