# The same key and request give the same jobs, also when those have finished or are gone (G3).
t=0     enqueue  a b queue=mail key=k body=x   -> a ready, b ready
t=1s    enqueue  c d queue=mail key=k body=x   -> replayed, a ready, b ready
t=2s    lease    mail by w1                    -> a leased #1
t=2s    ack      a #1                          -> a succeeded
t=3s    enqueue  c d queue=mail key=k body=x   -> replayed, a succeeded, b ready
t=2h    tick                                   -> a gone
t=3h    enqueue  c d queue=mail key=k body=x   -> replayed, a gone, b ready
t=3h    stats    mail                          -> ready 1
