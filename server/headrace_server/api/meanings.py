"""What each problem means, in sentences, for its page /problems/<code>; what to do next stands in the error table.

It must not know how a page looks. Texts are plain, `backticks` mark what is written in a request or reply.
"""

from typing import Final

MEANINGS: Final[dict[str, str]] = {
    "malformed_body": (
        "The body is not what its Content-Type says: broken JSON, MessagePack or UTF-8, or a number that is not finite."
    ),
    "malformed_request": "What arrived could not be read as HTTP/1.1, so no operation was looked for.",
    "unauthorized": (
        "The server was started with tokens, and the request carried none or one that the server does not know."
    ),
    "forbidden_origin": (
        "A browser sent the request on behalf of a page from another origin. Such a page must not drive a server that"
        " happens to run on its reader's machine."
    ),
    "not_found": "No job has this id: it was never made here, or its record was removed after its retention.",
    "no_result": (
        "The job succeeded, but the worker's ack carried no result, or the time for which results are kept is over."
    ),
    "no_such_operation": "No operation has this id: it was never started here, or it ended more than a day ago.",
    "no_such_worker": (
        "No worker of this id is known: it never sent a heartbeat, said goodbye, or was lost for more than a day."
    ),
    "no_such_schedule": "No schedule has this name: it was never made here, or it was deleted.",
    "no_such_webhook": "No webhook has this name: it was never made here, or it was deleted.",
    "no_test_clock": "Only a server that was started for tests, with --test-clock, lets its clock be set forward.",
    "no_such_route": "No operation lives at this path. A name with a slash in it makes another path, too.",
    "no_such_problem": "No problem of this server has this code; a newer or older server may have it.",
    "method_not_allowed": "There are operations at this path, but none for this method.",
    "not_acceptable": "The Accept header leaves no format that this server can write.",
    "request_timeout": "The request had not arrived completely when its time was over.",
    "not_finished": "The job has not ended yet, so there is no result. `state` says where it is.",
    "job_failed": "The job is dead or cancelled: there will be no result. `state` and `error` say why.",
    "job_leased": "A worker holds the job: what it works on cannot be changed under its hands.",
    "job_final": "The job had succeeded or died before the request came.",
    "job_not_dead": "Another run is for jobs that are `dead`; this one is in another state, and `state` says in which.",
    "job_not_final": "The record of a job that has not ended cannot be removed: nobody would know what became of it.",
    "lease_lost": (
        "The token is not the proof of the job's lease any more: the lease ran out and somebody else has the job, the"
        " job was settled in another way or cancelled, or the token never was one."
    ),
    "job_cancelled": (
        "Somebody ended the job while you held it, so what you say about it came too late. What you have already done "
        "to the world stays done."
    ),
    "unique_conflict": (
        "Another job has the same unique key, and `on_conflict` is `reject`; or it is `replace`, and that job has been "
        "started. A dead job needs its key again for another run, too."
    ),
    "queue_draining": "Somebody told the queue to take no new jobs; those that are there are still handed out.",
    "queue_not_empty": "The settings of a queue can be removed once all of its jobs have ended.",
    "worker_up": "The worker was heard of lately, so its record would come back with its next heartbeat.",
    "operation_ended": "The operation had run to its end before it could be stopped.",
    "too_many_schedules": "A store holds 10000 schedules at most (of each shard): this one would have been one more.",
    "too_many_webhooks": "Each event is held against each webhook, so there are 50 at most: this would be one more.",
    "webhook_paused": (
        "Nothing is sent for a webhook while it is paused: somebody asked for that, or its receiver answered 410 Gone. "
        "`paused_reason` says which."
    ),
    "body_too_large": (
        "The request's body is longer than this server takes; `limits` of GET /v1/server has the number."
    ),
    "payload_too_large": (
        "A payload or result inside the body is longer than one job may carry; `limits` of GET /v1/server has the "
        "number."
    ),
    "unsupported_media_type": "The Content-Type is missing, or names a format that this server does not read.",
    "invalid_request": (
        "The request could be read, but not accepted: a field is missing, unknown, of the wrong type or out of its "
        "range. `errors` lists every fault, not just the first."
    ),
    "invalid_cursor": (
        "A cursor says where a list goes on. This one was not given out by this server, or was given out for other "
        "filters."
    ),
    "idempotency_mismatch": (
        "The key came before, with another request. To answer with the job of that one would be wrong, to make a "
        "second job would break the promise of the key."
    ),
    "other_group": (
        "One script works on one part of the store, so an atomic batch, or a job that goes to another queue, must stay "
        "within one group of queues: the part of their names up to the first dot."
    ),
    "already_expired": "`expires_at` of the job is in the past by the store's clock, so it could never start.",
    "queue_full": (
        "The queue has as many jobs that have not ended, or as many bytes of payloads, as its settings allow."
    ),
    "headers_too_large": "Request line and headers together are longer than this server takes.",
    "internal": "The server ran into a fault of its own. It is in the server's log under the `request_id`.",
    "draining": "The server was told to stop: it answers what is running and takes nothing new.",
    "overloaded": "More requests wait for the store than the server holds.",
    "store_unreachable": "The server has no connection to its store. What `outcome` says about this request holds.",
    "store_full": (
        "The store has reached its memory limit. New jobs are refused; leases, acks and nacks go on, which is the way"
        " out."
    ),
    "store_refused": "The store answered, but would not work: it is loading, busy, read-only, or lacks a permission.",
    "wrong_node": (
        "The part of the store that was asked does not hold this server's data: a slot is on the move, or the address"
        " is that of another store."
    ),
    "disk_low": (
        "The disk of the embedded store is nearly full. New jobs are refused before a failed write could stop the "
        "store; leases, acks and nacks go on."
    ),
    "store_timeout": "The request reached the store and no answer came back in time.",
    "not_replicated": "It was done, but fewer copies than the durability mode promises had confirmed it in time.",
}
