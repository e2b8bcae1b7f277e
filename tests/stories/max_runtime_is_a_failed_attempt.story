# A job that has run for as long as it may has failed: no crash, a retry after its backoff, and the token is over.
t=0        enqueue  a queue=mail max_runtime=20s initial=5s jitter=no max_attempts=2 -> a ready
t=0        lease    mail ttl=60s by w1             -> a leased #1 (deadline 20s)
t=20s-1ms  tick                                    -> a leased
t=20s      tick                                    -> a retrying (attempt 2, crash 0, due 25s, error MaxRuntimeExceeded)
t=21s      ack      a #1                           -> refused lease_lost, a retrying
t=25s      tick                                    -> a ready
t=25s      lease    mail by w1                     -> a leased #2 (deadline 45s)
t=45s      tick                                    -> a dead (reason max_attempts, attempt 2, crash 0)
