# What a write answered is what the next read shows (G24).
t=0     enqueue  a queue=mail                  -> a ready
t=0     get      a                             -> a ready
t=0     lease    mail by w1                    -> a leased #1
t=0     get      a                             -> a leased (worker w1)
t=0     ack      a #1                          -> a succeeded
t=0     get      a                             -> a succeeded
