# A result is kept for as long as the ack says, else the job, else the queue; 0 stores none.
t=0        configure  mail result_ttl=30s   -> ok
t=0        enqueue    a b c queue=mail      -> a ready
t=0        enqueue    d queue=mail result_ttl=20s -> d ready
t=0        lease      mail max=9 by w1      -> a leased #1, b leased #1, c leased #1, d leased #1
t=0        ack        a #1 result=1         -> a succeeded (result 1)
t=0        ack        b #1 result=2 result_ttl=10s -> b succeeded (result 2)
t=0        ack        c #1 result=3 result_ttl=0 -> c succeeded (result none)
t=0        ack        d #1 result=4         -> d succeeded (result 4)
t=10s-1ms  tick                             -> b succeeded (result 2)
t=10s      get                              -> b succeeded (result none)
t=10s      tick                             -> b succeeded (result none), a succeeded (result 1), d succeeded (result 4)
t=20s      tick                             -> d succeeded (result none), a succeeded (result 1)
t=30s      tick                             -> a succeeded (result none)
