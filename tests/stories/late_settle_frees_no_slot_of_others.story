# A settle after the reaper does not free the slot that another job has by then (G7, G21).
t=0    set_limit  api concurrency=1                   -> ok
t=0    enqueue    a queue=mail limits=api priority=50 -> a ready
t=0    lease      mail ttl=10s by w1                  -> a leased #1
t=1s   enqueue    b c queue=mail limits=api           -> b ready
t=10s  tick                                           -> a ready
t=10s  lease      mail by w1                          -> b leased #1
t=10s  limit      api                                 -> leased 1
t=11s  ack        a #1                                -> late, a succeeded
t=11s  limit      api                                 -> leased 1
t=11s  lease      mail by w1                          -> nothing
t=11s  ack        b #1                                -> b succeeded
t=11s  lease      mail by w1                          -> c leased #1
