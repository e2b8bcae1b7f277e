# A lease that was reaped may still be snoozed or released by its holder (G7).
t=0     enqueue  a b queue=mail                -> a ready, b ready
t=0     lease    mail max=2 ttl=30s by w1      -> a leased #1, b leased #1
t=30s   tick                                   -> a ready (crash 1), b ready (crash 1)
t=31s   snooze   a #1 delay=10s                -> late, a scheduled (due 41s, crash 1, attempt 1)
t=31s   release  b #1                          -> late, b ready (crash 1, attempt 1)
t=31s   release  b #1                          -> repeated, b ready
t=32s   ack      b #1                          -> refused lease_lost, b ready
