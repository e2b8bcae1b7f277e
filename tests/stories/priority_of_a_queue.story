# A queue's priority counts at the moment when a job comes into line; what stands in line stays.
t=0   configure  mail priority=10         -> ok
t=0   enqueue    a queue=mail             -> a ready (priority 10)
t=0   enqueue    b queue=mail priority=20 -> b ready
t=0   enqueue    c queue=mail delay=1s    -> c scheduled
t=0   configure  mail priority=30         -> ok
t=1s  tick                                -> c ready (priority 30)
t=1s  lease      mail max=3 by w1         -> c leased #1, b leased #1, a leased #1
