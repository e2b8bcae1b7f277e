# Once the repeat got the leases, the give-back of the first connection does nothing, and the key still stands for
# them (G9, G27).
t=0     enqueue  a queue=mail                  -> a ready
t=0     lease    mail by w1 key=k              -> a leased #1
t=1s    lease    mail by w1 key=k              -> replayed, a leased #1
t=2s    giveback by w1                         -> a leased (delivery 1)
t=2s    enqueue  b queue=mail                  -> b ready
t=2s    lease    mail by w1 key=k              -> replayed, a leased #1
t=3s    ack      a #1                          -> a succeeded
