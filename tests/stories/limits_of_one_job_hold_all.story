# A job of several limits waits for each of them, and takes a slot of each.
t=0  set_limit  x concurrency=1         -> ok
t=0  set_limit  y concurrency=2         -> ok
t=0  enqueue    a queue=mail limits=x,y -> a ready
t=0  enqueue    b queue=mail limits=x   -> b ready
t=0  enqueue    c d queue=mail limits=y -> c ready
t=0  lease      mail max=9 by w1        -> a leased #1, c leased #1
t=0  ack        c #1                    -> c succeeded
t=0  enqueue    e queue=mail limits=x,y -> e ready
t=0  lease      mail max=9 by w1        -> d leased #1
t=0  ack        a #1                    -> a succeeded
t=0  lease      mail max=9 by w1        -> b leased #1
t=0  ack        b #1                    -> b succeeded
t=0  lease      mail max=9 by w1        -> e leased #1
