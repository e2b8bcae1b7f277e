# Jobs of one ordering key run one at a time, in their order; another key, or none, does not wait.
t=0   enqueue  a b queue=mail order=u1 -> a ready
t=0   enqueue  c queue=mail order=u2   -> c ready
t=0   enqueue  d queue=mail            -> d ready
t=0   lease    mail max=9 by w1        -> a leased #1, c leased #1, d leased #1
t=1s  ack      a #1                    -> a succeeded
t=1s  lease    mail max=9 by w1        -> b leased #1
