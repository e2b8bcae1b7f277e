# With on_exhausted=discard a job that dies is gone with the next tick, however it died.
t=0    enqueue    a b queue=mail on_exhausted=discard max_attempts=1 max_crashes=1 -> a ready
t=0    enqueue    c queue=mail on_exhausted=discard        -> c ready
t=0    configure  pics on_exhausted=discard                -> ok
t=0    enqueue    d queue=pics max_attempts=1 on_exhausted=dead -> d ready
t=0    enqueue    f queue=pics max_attempts=1              -> f ready
t=0    lease      mail max=9 ttl=10s by w1                 -> a leased #1, b leased #1, c leased #1
t=0    lease      pics max=9 ttl=10s by w1                 -> d leased #1, f leased #1
t=1s   nack       a #1                                     -> a dead (reason max_attempts)
t=1s   ack        c #1                                     -> c succeeded
t=1s   nack       d #1                                     -> d dead
t=1s   nack       f #1                                     -> f dead
t=1s   tick                                                -> a gone, b leased, c succeeded, d dead, f gone
t=10s  tick                                                -> b gone
