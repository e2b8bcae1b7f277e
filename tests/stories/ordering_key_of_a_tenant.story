# An ordering key belongs to its queue and to its tenant.
t=0  enqueue  a queue=mail order=u        -> a ready
t=0  enqueue  b queue=mail fair=x order=u -> b ready
t=0  enqueue  c queue=mail fair=y order=u -> c ready
t=0  enqueue  d queue=mail.low order=u    -> d ready
t=0  lease    mail,mail.low max=9 by w1   -> a leased #1, b leased #1, c leased #1, d leased #1
