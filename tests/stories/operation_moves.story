# An operation moves jobs that wait to another queue of their group.
t=0   enqueue    a b queue=mail         -> a ready
t=0   enqueue    c queue=mail delay=1h  -> c scheduled
t=0   enqueue    d queue=pics           -> d ready
t=0   lease      mail by w1             -> a leased #1
t=1s  operate    move queue=mail to=mail.low -> ok
t=1s  tick                              -> a leased (queue mail), b ready (queue mail.low), c scheduled (queue mail.low)
t=1s  operation                         -> matched 2, done 2, skipped 0
t=1s  operate    move queue=pics to=mail -> ok
t=1s  tick                              -> d ready (queue pics)
t=1s  operation                         -> matched 1, done 0, skipped 1
