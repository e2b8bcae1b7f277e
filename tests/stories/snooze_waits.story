# A snoozed job waits as asked, then goes behind what is ready; no limit is touched.
t=0        enqueue  a b queue=mail             -> a ready, b ready
t=0        lease    mail by w1                 -> a leased #1
t=1s       snooze   a #1 delay=10s             -> a scheduled (due 11s, attempt 1, crash 0, deadline none)
t=2s       snooze   a #1 delay=99s             -> repeated, a scheduled (due 11s)
t=11s-1ms  tick                                -> a scheduled
t=11s      tick                                -> a ready
t=11s      lease    mail max=2 by w1           -> b leased #1, a leased #2
