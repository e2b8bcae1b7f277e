# A queue takes as many jobs as its depth allows, of all that have not ended; a group as a whole or not at all.
t=0   configure  mail max_depth=3      -> ok
t=0   enqueue    a b queue=mail        -> a ready, b ready
t=0   enqueue    c d queue=mail        -> refused queue_full, c gone, d gone
t=0   enqueue    c queue=mail delay=1h -> c scheduled
t=0   enqueue    d queue=mail          -> refused queue_full, d gone
t=0   enqueue    d queue=pics          -> d ready
t=0   configure  pics max_depth=2      -> ok
t=0   enqueue    f queue=pics fair=x   -> f ready
t=0   enqueue    g queue=pics          -> refused queue_full
t=0   lease      mail max=2 by w1      -> a leased #1, b leased #1
t=1s  enqueue    e queue=mail          -> refused queue_full
t=1s  nack       b #1 in=1h            -> b retrying
t=1s  enqueue    e queue=mail          -> refused queue_full
t=1s  ack        a #1                  -> a succeeded
t=1s  enqueue    e queue=mail          -> e ready
