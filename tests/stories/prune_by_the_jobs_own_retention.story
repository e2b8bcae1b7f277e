# A job's own retention counts in every final state.
t=0       enqueue  a b c queue=mail retention=2m -> a ready
t=0       lease    mail max=2 ttl=5m by w1    -> a leased #1, b leased #1
t=1m      ack      a #1                        -> a succeeded
t=1m      nack     b #1 retry=never            -> b dead
t=1m      cancel   c                           -> c cancelled
t=3m-1ms  tick                                 -> a succeeded, b dead, c cancelled
t=3m      tick                                 -> a gone, b gone, c gone
