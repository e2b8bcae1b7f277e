# A new priority or queue leaves the due time of what is put off as it was.
t=0    enqueue  a queue=mail delay=10s        -> a scheduled
t=0    enqueue  b queue=mail                  -> b ready
t=1s   patch    a priority=200 queue=mail.low -> a scheduled (due 10s, priority 200, queue mail.low)
t=10s  tick                                   -> a ready
t=10s  lease    mail.low by w1                -> a leased #1
