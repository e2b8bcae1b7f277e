# A job may be redriven into another queue of its group, unless that one drains; depth does not refuse it.
t=0   enqueue    a b queue=mail max_attempts=1 -> a ready
t=0   lease      mail max=2 by w1              -> a leased #1, b leased #1
t=0   nack       a #1                          -> a dead
t=0   nack       b #1                          -> b dead
t=1s  redrive    a queue=pics                  -> refused other_group, a dead (queue mail)
t=1s  drain      mail.low                      -> ok
t=1s  redrive    a queue=mail.low              -> refused queue_draining, a dead
t=1s  resume     mail.low                      -> ok
t=1s  configure  mail.low max_depth=1          -> ok
t=1s  enqueue    c queue=mail.low              -> c ready
t=1s  redrive    a queue=mail.low              -> a ready (queue mail.low)
t=2s  lease      mail by w1                    -> nothing
t=2s  lease      mail.low max=2 by w1          -> c leased #1, a leased #1
t=3s  drain      mail                          -> ok
t=3s  redrive    b                             -> refused queue_draining, b dead
