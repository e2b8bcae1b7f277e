# The counters of a queue go with its name, and those of the next one begin at nothing.
t=0   enqueue  a queue=mail -> a ready
t=0   lease    mail by w1   -> a leased #1
t=0   ack      a #1         -> a succeeded
t=0   tally    mail         -> enqueued 1, leased 1, succeeded 1
t=0   delete   a            -> a gone
t=0   forget   mail         -> ok
t=1s  enqueue  b queue=post -> b ready
t=1s  tally    post         -> enqueued 1
