# The same settle again is answered `repeated` and changes nothing; another verb is refused (G7).
t=0     enqueue  a queue=mail                  -> a ready
t=0     lease    mail by w1                    -> a leased #1
t=1s    ack      a #1 result=first             -> a succeeded (result first, finished 1s)
t=2s    ack      a #1 result=second            -> repeated, a succeeded (result first, finished 1s)
t=3s    ack      a #1                          -> repeated, a succeeded (result first)
t=50m   ack      a #1                          -> repeated, a succeeded
t=50m   nack     a #1                          -> refused lease_lost, a succeeded
t=50m   extend   a #1                          -> refused lease_lost, a succeeded
