# A replay leaves out what was settled or lost since, and takes nothing instead (G9).
t=0     enqueue  a b c d queue=mail            -> a ready
t=0     lease    mail max=3 ttl=30s by w1 key=k -> a leased #1, b leased #1, c leased #1
t=1s    ack      a #1                          -> a succeeded
t=2s    extend   c #1 ttl=60s                  -> c leased (deadline 62s)
t=30s   tick                                   -> b ready (crash 1)
t=31s   lease    mail max=3 by w1 key=k        -> replayed, c leased #1 (deadline 62s), b ready, d ready
t=32s   lease    mail max=3 by w2              -> b leased #2, d leased #1
t=33s   lease    mail max=3 by w1 key=k        -> replayed, c leased #1
