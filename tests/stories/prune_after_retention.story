# A final job vanishes when its retention is over, not a millisecond before: an hour, or 14 days for a dead one (G13).
t=0       enqueue  a queue=mail                -> a ready
t=0       enqueue  b queue=pics                -> b ready
t=0       enqueue  c queue=text                -> c ready
t=0       lease    mail by w1                  -> a leased #1
t=0       ack      a #1                        -> a succeeded
t=0       lease    pics by w1                  -> b leased #1
t=0       nack     b #1 retry=never            -> b dead
t=0       cancel   c                           -> c cancelled
t=1h-1ms  tick                                 -> a succeeded, b dead, c cancelled
t=1h      tick                                 -> a gone, b dead, c gone
t=1h      ack      a #1                        -> refused not_found
t=1h      cancel   c                           -> refused not_found
t=336h-1ms tick                                -> b dead
t=336h    tick                                 -> b gone
