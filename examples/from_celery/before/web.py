"""The web application: watch links, look at them, follow an import."""

import store
from celery.result import AsyncResult
from celeryapp import app as queue
from flask import Flask, jsonify, request
from tasks import import_links

app = Flask(__name__)


@app.post("/links")
def add():
    """Watch the links of a list, one on each line."""
    result = import_links.delay(request.get_data(as_text=True).split())
    return jsonify(job=result.id), 202


@app.get("/links")
def links():
    """Return all links with the status that they had last."""
    return jsonify(store.links())


@app.get("/jobs/<job_id>")
def job(job_id):
    """Tell how far an import is; an id that never was is PENDING for ever."""
    result = AsyncResult(job_id, app=queue)
    return jsonify(state=result.state, info=result.info if result.state != "FAILURE" else str(result.info))


@app.delete("/jobs/<job_id>")
def stop(job_id):
    """Stop an import."""
    AsyncResult(job_id, app=queue).revoke()
    return "", 204
