# A queue at its concurrency gives nothing, and the next one does; each end of a lease makes room (G21).
t=0    configure  mail concurrency=2            -> ok
t=0    enqueue    a b c d e f queue=mail        -> a ready
t=0    enqueue    p queue=pics                  -> p ready
t=0    lease      mail,pics max=9 ttl=10s by w1 -> a leased #1, b leased #1, p leased #1
t=0    lease      mail by w1                    -> nothing
t=1s   ack        a #1                          -> a succeeded
t=1s   lease      mail max=9 ttl=60s by w1      -> c leased #1
t=10s  lease      mail by w1                    -> nothing
t=10s  tick                                     -> b ready
t=10s  lease      mail max=9 by w1              -> b leased #2
t=11s  configure  mail concurrency=1            -> ok
t=11s  ack        b #2                          -> b succeeded
t=11s  lease      mail by w1                    -> nothing
t=11s  configure  mail                          -> ok
t=11s  lease      mail max=9 by w1              -> d leased #1, e leased #1, f leased #1
