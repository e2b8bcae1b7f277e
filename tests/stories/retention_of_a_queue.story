# A queue says how long its records stay, for each way to end; a job's own word wins.
t=0   configure  mail succeeded=1m dead=2m cancelled=3m -> ok
t=0   enqueue    a b c queue=mail                       -> a ready
t=0   enqueue    d queue=mail retention=4m              -> d ready
t=0   lease      mail max=4 by w1                       -> a leased #1, b leased #1, c leased #1, d leased #1
t=0   ack        a #1                                   -> a succeeded
t=0   nack       b #1 retry=never                       -> b dead
t=0   cancel     c mode=hard                            -> c cancelled
t=0   ack        d #1                                   -> d succeeded
t=1m  tick                                              -> a gone, b dead
t=2m  tick                                              -> b gone, c cancelled
t=3m  tick                                              -> c gone, d succeeded
t=4m  tick                                              -> d gone
