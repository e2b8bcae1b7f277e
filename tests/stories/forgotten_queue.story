# A queue is forgotten, with all that was said about it, once none of its jobs is open.
t=0   configure  mail lease=10s -> ok
t=0   enqueue    a queue=mail   -> a ready
t=0   forget     mail           -> refused queue_not_empty
t=0   lease      mail by w1     -> a leased #1 (deadline 10s)
t=0   forget     mail           -> refused queue_not_empty
t=0   ack        a #1           -> a succeeded
t=0   forget     mail           -> ok
t=1s  enqueue    b queue=mail   -> b ready
t=1s  lease      mail by w1     -> b leased #1 (deadline 31s)
