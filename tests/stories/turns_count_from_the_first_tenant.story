# From its first job with a fairness key on, also one that is not due yet, a queue counts the turns of all others.
t=0    enqueue  a queue=mail fair=x delay=10s -> a scheduled
t=0    enqueue  b c queue=mail                -> b ready
t=1s   lease    mail by w1                    -> b leased #1
t=10s  tick                                   -> a ready
t=10s  lease    mail max=9 by w1              -> a leased #1, c leased #1
