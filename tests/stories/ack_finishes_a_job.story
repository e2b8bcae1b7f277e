# An acknowledged job has succeeded, and keeps its result (G12).
t=0     enqueue  a queue=mail                  -> a ready (attempt 1, delivery 0, crash 0, worker none, enqueued 0)
t=1s    lease    mail ttl=30s by w1            -> a leased #1 (delivery 1, worker w1, started 1s, deadline 31s)
t=2s    ack      a #1 result=42                -> a succeeded (result 42, attempt 1, crash 0, finished 2s, deadline none)
t=2s    lease    mail by w2                    -> nothing
t=1h    tick                                   -> a succeeded (result 42)
