# A clock that is set back stands still: nothing is early, nothing is undone (G17).
t=20s   enqueue  a queue=mail delay=10s        -> a scheduled (due 30s)
t=5s    enqueue  b queue=mail                  -> b ready (enqueued 20s)
t=5s    lease    mail ttl=10s by w1            -> b leased #1 (deadline 30s, started 20s)
t=5s    tick                                   -> a scheduled, b leased
t=30s   tick                                   -> a ready, b ready (crash 1)
