# No more than K live leases of a key, over all queues; what it blocks is skipped (G21).
t=0   set_limit  stripe concurrency=1         -> ok
t=0   enqueue    a b queue=mail limits=stripe -> a ready
t=0   enqueue    c queue=mail                 -> c ready
t=0   enqueue    d queue=pics limits=stripe   -> d ready
t=0   lease      mail,pics max=9 by w1        -> a leased #1, c leased #1
t=0   limit      stripe                       -> leased 1, held no
t=1s  ack        a #1                         -> a succeeded
t=1s  lease      pics by w1                   -> d leased #1
t=1s  lease      mail by w1                   -> nothing
t=2s  ack        d #1                         -> d succeeded
t=2s  lease      mail by w1                   -> b leased #1
