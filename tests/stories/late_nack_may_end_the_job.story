# A nack after the reaper ends the job as a nack in time would (G7, G12).
t=0     enqueue  a queue=mail max_attempts=1   -> a ready
t=0     enqueue  b queue=mail expires=40s      -> b ready
t=0     enqueue  c queue=mail                  -> c ready
t=0     lease    mail max=3 ttl=30s by w1      -> a leased #1, b leased #1, c leased #1
t=30s   tick                                   -> a ready (crash 1), b ready (crash 1), c ready (crash 1)
t=31s   nack     a #1                          -> late, a dead (reason max_attempts, attempt 1)
t=31s   nack     b #1 in=9s                    -> late, b cancelled (reason expired, attempt 1)
t=31s   nack     c #1 retry=never              -> late, c dead (reason not_retryable)
t=32s   lease    mail max=3 by w2              -> nothing
