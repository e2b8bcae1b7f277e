# A replaced job has a new place in line, and may move to another queue of its group.
t=0   enqueue  a queue=mail unique=k                    -> a ready
t=0   enqueue  b queue=mail                             -> b ready
t=1s  enqueue  c queue=mail unique=k on_conflict=replace -> replaced, a ready
t=1s  lease    mail by w1                               -> b leased #1
t=2s  enqueue  c queue=mail.low unique=k on_conflict=replace -> replaced, a ready (queue mail.low)
t=2s  lease    mail by w1                               -> nothing
t=2s  lease    mail.low by w1                           -> a leased #1
