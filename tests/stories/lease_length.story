# The request's length wins over the job's, and that over the server's 30 s.
t=0     enqueue  a queue=mail                  -> a ready
t=0     enqueue  b c queue=mail lease=5s       -> b ready, c ready
t=0     lease    mail max=2 by w1              -> a leased #1 (deadline 30s), b leased #1 (deadline 5s)
t=0     lease    mail ttl=7s by w1             -> c leased #1 (deadline 7s)
