# A give-back that comes too late touches neither settled jobs nor newer leases (G6, G27).
t=0     enqueue  a b queue=mail                -> a ready
t=0     lease    mail max=2 ttl=30s by w1      -> a leased #1, b leased #1
t=1s    ack      a #1                          -> a succeeded
t=30s   tick                                   -> b ready (crash 1)
t=31s   lease    mail by w2                    -> b leased #2
t=32s   giveback by w1                         -> a succeeded, b leased (worker w2)
