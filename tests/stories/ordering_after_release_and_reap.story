# A job that comes back without a failure stands first in its lane again.
t=0    enqueue  a b queue=mail order=u   -> a ready
t=0    lease    mail ttl=10s by w1       -> a leased #1
t=1s   release  a #1                     -> a ready
t=1s   lease    mail max=9 ttl=10s by w1 -> a leased #2
t=11s  tick                              -> a ready (crash 1)
t=11s  lease    mail max=9 by w1         -> a leased #3
t=12s  snooze   a #3 delay=10s           -> a scheduled
t=12s  lease    mail max=9 by w1         -> b leased #1
t=22s  tick                              -> a ready
t=22s  lease    mail max=9 by w1         -> nothing
