# With on_dead=hold a dead job keeps the next ones waiting until it is redriven, and then goes before them.
t=0   enqueue  a b queue=mail order=u on_dead=hold -> a ready
t=0   lease    mail by w1                          -> a leased #1
t=1s  nack     a #1 retry=never                    -> a dead
t=2s  lease    mail max=9 by w1                    -> nothing
t=3s  redrive  a                                   -> a ready
t=3s  lease    mail max=9 by w1                    -> a leased #1
t=4s  ack      a #1                                -> a succeeded
t=4s  lease    mail max=9 by w1                    -> b leased #1
