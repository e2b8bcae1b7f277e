# A job that leaves its queue leaves its ordering key there.
t=0   enqueue  a b queue=mail order=u   -> a ready
t=0   enqueue  c queue=mail.low order=u -> c ready
t=0   lease    mail by w1               -> a leased #1
t=0   nack     a #1 in=1h               -> a retrying
t=1s  patch    a queue=mail.low         -> a retrying (queue mail.low)
t=1s  lease    mail by w1               -> b leased #1
t=1s  lease    mail.low by w1           -> c leased #1
