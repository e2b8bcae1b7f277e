# Without a ttl a result stays until the record goes, and never longer.
t=0       enqueue  a b queue=mail retention=1m -> a ready
t=0       lease    mail max=9 by w1            -> a leased #1, b leased #1
t=0       ack      a #1 result=1               -> a succeeded (result 1)
t=0       ack      b #1 result=1 result_ttl=1h -> b succeeded (result 1)
t=1m-1ms  tick                                 -> a succeeded (result 1), b succeeded (result 1)
t=1m      tick                                 -> a gone, b gone
