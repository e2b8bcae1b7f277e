# The same call of the server again (the reply got lost) writes nothing twice.
t=0     enqueue  a b queue=mail                -> a ready, b ready
t=0     lease    mail by w1                    -> a leased #1
t=1s    enqueue  a b queue=mail                -> a leased (delivery 1), b ready (enqueued 0)
t=1s    lease    mail max=9 by w1              -> b leased #1
t=1s    lease    mail max=9 by w1              -> nothing
