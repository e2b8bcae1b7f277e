# A millisecond before its end a job is still handed out.
t=0       enqueue  a queue=mail expires=10s    -> a ready
t=10s-1ms tick                                 -> a ready
t=10s-1ms lease    mail by w1                  -> a leased #1
