# A key held until the end is free by each way to end.
t=0    enqueue  a queue=mail unique=k max_crashes=1 -> a ready
t=0    lease    mail ttl=10s by w1                  -> a leased #1
t=10s  enqueue  b queue=mail unique=k               -> deduplicated, a leased
t=10s  tick                                         -> a dead
t=10s  enqueue  b queue=mail unique=k expires=5s    -> b ready
t=15s  lease    mail by w1                          -> nothing
t=15s  enqueue  c queue=mail unique=k               -> c ready, b cancelled
t=16s  lease    mail by w1                          -> c leased #1
t=16s  nack     c #1 retry=never                    -> c dead
t=16s  enqueue  d queue=mail unique=k               -> d ready
t=17s  delete   a                                   -> a gone
t=17s  enqueue  e queue=mail unique=k               -> deduplicated, d ready
