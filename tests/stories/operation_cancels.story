# An operation cancels what waits, and asks the holders of the rest.
t=0   enqueue    a b queue=mail tags=x:1        -> a ready
t=0   enqueue    c queue=mail delay=1h tags=x:1 -> c scheduled
t=0   enqueue    d queue=mail                   -> d ready
t=0   lease      mail by w1                     -> a leased #1
t=1s  operate    cancel tag=x:1                 -> ok
t=1s  tick                                      -> a leased (asked yes), b cancelled, c cancelled, d ready
t=1s  operation                                 -> state done, matched 3, done 3, skipped 0
