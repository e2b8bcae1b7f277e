# A job whose lease ran out goes ahead of everything younger (G18).
t=0     enqueue  a b queue=mail                -> a ready, b ready
t=0     lease    mail ttl=10s by w1            -> a leased #1
t=10s   tick                                   -> a ready
t=10s   lease    mail max=2 by w2              -> a leased #2, b leased #1
