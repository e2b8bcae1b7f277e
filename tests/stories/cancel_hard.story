# A hard cancel ends a lease at once; its holder learns it by whatever it does next (G20).
t=0    enqueue  a b queue=mail            -> a ready
t=0    lease    mail max=2 by w1          -> a leased #1, b leased #1
t=1s   cancel   a mode=hard reason=now    -> a cancelled (reason now, finished 1s, deadline none)
t=2s   extend   a #1                      -> refused job_cancelled
t=2s   ack      a #1                      -> refused job_cancelled, a cancelled
t=2s   snooze   a #1 delay=1s             -> refused job_cancelled
t=2s   release  a #1                      -> refused job_cancelled
t=2s   nack     a #1                      -> refused job_cancelled
t=3s   cancel   b reason=first            -> requested, b leased
t=3s   cancel   b mode=hard reason=second -> b cancelled (reason first)
t=30s  tick                               -> a cancelled (crash 0), b cancelled (crash 0)
