# A job that dies or is cancelled lets the next one go.
t=0  enqueue  a b c queue=mail order=u -> a ready
t=0  lease    mail by w1               -> a leased #1
t=0  nack     a #1 retry=never         -> a dead
t=0  lease    mail max=9 by w1         -> b leased #1
t=0  nack     b #1 in=1h               -> b retrying
t=0  cancel   b                        -> b cancelled
t=0  lease    mail max=9 by w1         -> c leased #1
