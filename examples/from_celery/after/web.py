"""The web application: watch links, look at them, follow an import."""

import store
from flask import Flask, jsonify, request
from headrace import NotFound
from queue_app import app as queue
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
    """Tell how far an import is; an id that never was is 404."""
    result = queue.AsyncResult(job_id)
    try:
        return jsonify(state=result.status, info=result.info if not result.failed() else str(result.info))
    except NotFound:
        return jsonify(error="no such job"), 404


@app.delete("/jobs/<job_id>")
def stop(job_id):
    """Stop an import."""
    queue.AsyncResult(job_id).revoke()
    return "", 204
