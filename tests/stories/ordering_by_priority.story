# Within an ordering key a higher priority goes first, one at a time all the same.
t=0  enqueue  a b queue=mail order=u            -> a ready
t=0  enqueue  c queue=mail order=u priority=200 -> c ready
t=0  lease    mail max=9 by w1                  -> c leased #1
t=0  ack      c #1                              -> c succeeded
t=0  lease    mail max=9 by w1                  -> a leased #1
