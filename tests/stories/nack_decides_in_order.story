# A failed attempt is judged in one order: asked to end, discarded, retryable, type, attempts, elapsed, expiry.
t=0   enqueue  a b c d queue=mail max_attempts=1 non_retryable=T max_elapsed=5s expires=9s -> a ready
t=0   enqueue  g h queue=mail max_elapsed=5s expires=9s non_retryable=T -> g ready
t=0   lease    mail max=4 by w1                         -> a leased #1, b leased #1, c leased #1, d leased #1
t=0   lease    mail max=9 by w1                         -> g leased #1, h leased #1
t=0   cancel   a reason=why                             -> requested, a leased
t=1s  nack     a #1 error=T retry=never in=1h           -> a cancelled (reason why)
t=1s  nack     b #1 error=T retry=never in=1h           -> b dead (reason not_retryable)
t=1s  nack     c #1 error=T in=1h                       -> c dead (reason non_retryable)
t=1s  nack     d #1 in=1h                               -> d dead (reason max_attempts)
t=1s  nack     g #1 in=1h                               -> g dead (reason max_elapsed)
t=1s  nack     h #1 in=4s                               -> h retrying (due 5s)
